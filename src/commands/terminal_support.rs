//! The capabilities of the terminal, by its name in `TERM`.

use crate::settings::Environment;

/// The known capabilities of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TerminalSupport {
    /// Moving the cursor and erasing, as on the VT100.
    pub cursor: bool,
    /// ANSI colors.
    pub color: bool,
    /// An alternate screen, and a cursor that can be hidden.
    pub alternate_screen: bool,
}

const NONE: TerminalSupport = TerminalSupport {
    cursor: false,
    color: false,
    alternate_screen: false,
};
const VT100: TerminalSupport = TerminalSupport {
    cursor: true,
    ..NONE
};
const CONSOLE: TerminalSupport = TerminalSupport {
    color: true,
    ..VT100
};
const XTERM: TerminalSupport = TerminalSupport {
    alternate_screen: true,
    ..CONSOLE
};

/// Terminals by the prefix of their names; the first match counts.
const TERMINALS: [(&str, TerminalSupport); 31] = [
    ("vt52", NONE),
    ("vt", VT100),
    ("ansi", CONSOLE),
    ("cons25", CONSOLE),
    ("cygwin", CONSOLE),
    ("linux", CONSOLE),
    ("pcansi", CONSOLE),
    ("alacritty", XTERM),
    ("contour", XTERM),
    ("dtterm", XTERM),
    ("eterm", XTERM),
    ("foot", XTERM),
    ("ghostty", XTERM),
    ("gnome", XTERM),
    ("iterm", XTERM),
    ("kitty", XTERM),
    ("konsole", XTERM),
    ("kterm", XTERM),
    ("mintty", XTERM),
    ("mlterm", XTERM),
    ("ms-terminal", XTERM),
    ("nsterm", XTERM),
    ("putty", XTERM),
    ("rio", XTERM),
    ("rxvt", XTERM),
    ("screen", XTERM),
    ("st", XTERM),
    ("tmux", XTERM),
    ("vte", XTERM),
    ("wezterm", XTERM),
    ("xterm", XTERM),
];

/// Suffixes that only xterm-like terminals have.
const XTERM_SUFFIXES: [&str; 3] = ["-256color", "-direct", "-truecolor"];

impl TerminalSupport {
    /// Reads `TERM`. A terminal without a name, or with an unknown one, has no known capabilities.
    pub(super) fn new(environment: &Environment) -> Self {
        let name = environment.get("TERM").unwrap_or_default();
        let name = name.to_ascii_lowercase();
        let is_named = |start: &str| match name.strip_prefix(start) {
            // `st` must not match `stupid`.
            Some(rest) => !rest.starts_with(|c: char| c.is_ascii_alphabetic()),
            None => false,
        };
        let known = TERMINALS.iter().find(|(start, _)| is_named(start));
        let known = known.map(|(_, support)| *support);
        let is_like_xterm = XTERM_SUFFIXES.iter().any(|end| name.ends_with(end));
        let support = known.unwrap_or(if is_like_xterm { XTERM } else { NONE });
        Self {
            color: support.color && !name.ends_with("-mono"),
            ..support
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn support(name: &str) -> TerminalSupport {
        let variables = [("TERM".to_owned(), name.to_owned())];
        TerminalSupport::new(&Environment::new(variables))
    }

    #[test]
    fn a_terminal_without_a_name_or_with_a_dumb_one_supports_nothing() {
        assert_eq!(TerminalSupport::new(&Environment::default()), NONE);
        for name in ["", "dumb", "unknown", "stupid", "vt52", "emacs", "network"] {
            assert_eq!(support(name), NONE, "{name}");
        }
    }

    #[test]
    fn a_vt100_has_no_colors_and_a_console_no_alternate_screen() {
        for name in ["vt100", "vt102", "vt220", "VT420-w", "vt100-nam"] {
            assert_eq!(support(name), VT100, "{name}");
        }
        for name in ["linux", "linux-16color", "ansi", "cygwin"] {
            assert_eq!(support(name), CONSOLE, "{name}");
        }
    }

    #[test]
    fn terminals_like_xterm_support_everything() {
        for name in [
            "xterm",
            "xterm-256color",
            "xterm-kitty",
            "screen.xterm-256color",
            "tmux-256color",
            "rxvt-unicode",
            "st",
            "vte",
            "st-256color",
            "Eterm",
            "iTerm2.app",
            "new-terminal-256color",
        ] {
            assert_eq!(support(name), XTERM, "{name}");
        }
        let mono = support("xterm-mono");
        assert!(mono.alternate_screen && !mono.color);
    }
}
