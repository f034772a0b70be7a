//! Reads the HTTP settings of the command line and the config file.

use std::fmt::Display;
use std::time::Duration;

use super::GlobalArgs;
use crate::error::Problem;
use crate::http::{ClientOptions, Session};
use crate::settings::{self, SettingsFile};

impl GlobalArgs {
    /// Returns the options of the HTTP client. Options override `[http]` of the config file, which overrides the
    /// defaults.
    ///
    /// # Errors
    /// Returns a usage error that names the option or key.
    pub(in super::super) fn client_options(
        &self,
        file: &SettingsFile,
    ) -> Result<ClientOptions, Problem> {
        let default = ClientOptions::default();
        let of = |option, key| HttpSetting::new(option, file, key);
        let (connect, request) = (&self.connect_timeout, &self.request_timeout);
        let attempts = of(&self.max_attempts, "max_attempts");
        Ok(ClientOptions {
            connect_timeout: of(connect, "connect_timeout").duration(default.connect_timeout)?,
            request_timeout: of(request, "request_timeout").duration(default.request_timeout)?,
            max_body: of(&self.max_body, "max_body").size(default.max_body)?,
            max_attempts: attempts.number(default.max_attempts)?,
            concurrency: of(&self.concurrency, "concurrency").number(8)? as usize,
            allow_http: self.allow_http || of(&None, "allow_http").flag()?,
            min_interval: None,
            burst: default.burst,
            auth_cooldown: None,
            key_states: default.key_states,
            ca_files: self.ca_file.clone(),
            session: Session::Live,
        })
    }
}

/// The text of an option, or of a key of `[http]`.
struct HttpSetting<'a> {
    key: &'a str,
    text: Option<&'a str>,
    /// The position of the key in the file; `None` if the text is that of the option.
    position: Option<String>,
}

impl<'a> HttpSetting<'a> {
    fn new(option: &'a Option<String>, file: &'a SettingsFile, key: &'a str) -> Self {
        Self {
            key,
            text: option.as_deref().or_else(|| file.http(key)),
            position: option.is_none().then(|| file.http_position(key)),
        }
    }

    /// Reads a duration of more than 0.
    fn duration(&self, default: Duration) -> Result<Duration, Problem> {
        let Some(text) = self.text else {
            return Ok(default);
        };
        match settings::parse_duration(self.key, text) {
            Ok(Duration::ZERO) => {
                let problem = settings::invalid_value(self.key, text, "must be greater than 0");
                Err(self.locate(problem.with_hint("use e.g. 5s or 1m30s")))
            }
            parsed => parsed.map_err(|problem| self.locate(problem)),
        }
    }

    fn number(&self, default: u32) -> Result<u32, Problem> {
        let Some(text) = self.text else {
            return Ok(default);
        };
        let number = text.parse().ok();
        number
            .filter(|number| (1..=1000).contains(number))
            .ok_or_else(|| {
                let problem = self.invalid(text, "a whole number from 1 to 1000");
                problem.with_hint(format!("the default is {default}"))
            })
    }

    fn size(&self, default: u64) -> Result<u64, Problem> {
        let Some(text) = self.text else {
            return Ok(default);
        };
        let size = settings::byte_size(text).filter(|size| *size > 0);
        size.ok_or_else(|| {
            let problem = self.invalid(text, "a size such as 64MiB");
            problem.with_hint("the units are KiB, MiB and GiB")
        })
    }

    fn flag(&self) -> Result<bool, Problem> {
        match self.text {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(text) => Err(self.invalid(text, "true or false")),
        }
    }

    fn invalid(&self, text: &str, wanted: impl Display) -> Problem {
        let reason = format_args!("expected {wanted}");
        self.locate(settings::invalid_value(self.key, text, reason))
    }

    /// Names the option, or the position of the key in the file.
    fn locate(&self, problem: Problem) -> Problem {
        let message = match &self.position {
            None => {
                let option = format!(" for --{}", self.key.replace('_', "-"));
                let key = format!(" for {}", self.key);
                problem.message.replacen(&key, &option, 1)
            }
            Some(position) => format!("{position}: {}", problem.message),
        };
        Problem { message, ..problem }
    }
}
