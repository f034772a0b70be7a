//! References: one shell token that names one thing in one cloud, `CLOUD[@PROFILE]/KIND/SEGMENT…`.

use std::fmt;
use std::ops::Range;

use crate::crypto;
use crate::error::Problem;

/// The profile that a reference without `@PROFILE` uses.
pub const DEFAULT_PROFILE: &str = "default";

/// At most so many references come out of one range.
const LONGEST_RANGE: u64 = 10_000;

/// The form of the references of one kind; the registry of clouds holds them all.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// Short name of the cloud, accepted on input.
    pub cloud_short: &'static str,
    /// Bare kind.
    pub kind: &'static str,
    /// Short kind, accepted on input.
    pub kind_short: &'static str,
    /// The segments after the kind, last one the id.
    pub segments: &'static [Segment],
    /// True when the last segment may be a range such as `10_1-5` or `10_1-9:2`.
    pub ranges: bool,
    /// A reference of this kind as an example.
    pub sample: &'static str,
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cloud, self.kind)?;
        self.segments
            .iter()
            .try_for_each(|segment| write!(f, "/{}", segment.name))
    }
}

/// One segment of a template.
#[derive(Debug, PartialEq, Eq)]
pub struct Segment {
    /// Name as templates show it: `CLUSTER`.
    pub name: &'static str,
    /// Key of the profile's settings that fills it when it is missing on the left.
    pub setting: Option<&'static str>,
}

/// The address of one thing.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The form it has.
    pub template: &'static Template,
    /// Name of the profile, `default` included.
    pub profile: String,
    /// Decoded segments, as many as the template has.
    pub segments: Vec<String>,
    /// What was typed.
    pub input: String,
}

impl Reference {
    /// The last segment.
    pub fn id(&self) -> &str {
        self.segments
            .last()
            .expect("every template has at least one segment")
    }

    /// The segment with this name in the template.
    pub fn segment(&self, name: &str) -> Option<&str> {
        let at = self
            .template
            .segments
            .iter()
            .position(|segment| segment.name == name)?;
        self.segments.get(at).map(String::as_str)
    }
}

/// The canonical form: long names, `@default` dropped, strict percent-encoding.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.template.cloud)?;
        if self.profile != DEFAULT_PROFILE {
            write!(f, "@{}", crypto::percent_encode(&self.profile))?;
        }
        write!(f, "/{}", self.template.kind)?;
        let (id, parents) = self
            .segments
            .split_last()
            .expect("every template has at least one segment");
        parents
            .iter()
            .try_for_each(|segment| write!(f, "/{}", crypto::percent_encode(segment)))?;
        let mut id = crypto::percent_encode(id);
        if self.template.ranges && range_parts(&id).is_some() {
            // An id that only looks like a range must not become one when it is read again.
            id = id.replace('-', "%2D");
        }
        write!(f, "/{id}")
    }
}

/// What reading references needs from the registry and the settings.
pub struct Reader<'a> {
    /// Every form there is.
    pub templates: &'a [&'static Template],
    /// Kinds that are spoken for and not yet served, as `cloud/kind`.
    pub reserved: &'a [&'static str],
    /// The profile of a reference without `@PROFILE`.
    pub default_profile: &'a str,
    /// The value of a profile's setting: cloud, profile, key.
    pub setting: &'a dyn Fn(&str, &str, &str) -> Option<String>,
}

impl Reader<'_> {
    /// Reads one reference; a range becomes as many as it holds.
    ///
    /// # Errors
    /// Wrong use, with the wrong part, the template and a sample of the nearest kind.
    pub fn read(&self, input: &str) -> Result<Vec<Reference>, Problem> {
        let parts = split(input);
        let cloud_part = &parts[0];
        let (cloud_text, profile_text) = match cloud_part.text.split_once('@') {
            Some((cloud, profile)) => (cloud, Some(profile)),
            None => (cloud_part.text, None),
        };
        let of_cloud = self.templates_of(cloud_text);
        if of_cloud.is_empty() {
            let at = cloud_part.at..cloud_part.at + cloud_text.len();
            let message = match cloud_text {
                "" if input.trim().is_empty() => "a reference is empty".to_owned(),
                "" => "the cloud is missing".to_owned(),
                _ => format!("there is no cloud “{cloud_text}”"),
            };
            return Err(self.wrong(input, message, at, None));
        }
        let profile = match profile_text {
            Some(text) => self.profile(input, cloud_part, text)?,
            None => self.default_profile.to_owned(),
        };
        let Some(kind_part) = parts.get(1).filter(|part| !part.text.is_empty()) else {
            let message = "the kind is missing".to_owned();
            return Err(self.wrong(input, message, end_of(input), Some(of_cloud[0])));
        };
        let template = self.template(input, &of_cloud, kind_part)?;
        let given = &parts[2..];
        if given.last().is_some_and(|part| part.text.is_empty()) {
            let message = "this is a scope, which names many things; one thing was expected";
            return Err(self.wrong(input, message.into(), end_of(input), Some(template)));
        }
        let missing = self.missing(input, template, given.len(), &profile)?;
        let decoded = given
            .iter()
            .map(|part| self.segment(input, template, part))
            .collect::<Result<Vec<_>, _>>()?;
        let segments: Vec<String> = missing.into_iter().chain(decoded).collect();
        let ids = match given.last() {
            Some(last) if template.ranges => self.range(input, template, last)?,
            _ => None,
        };
        let one = Reference {
            template,
            profile,
            segments,
            input: input.to_owned(),
        };
        Ok(match ids {
            None => vec![one],
            Some(ids) => ids.into_iter().map(|id| one.with_id(id)).collect(),
        })
    }

    fn templates_of(&self, cloud: &str) -> Vec<&'static Template> {
        self.templates
            .iter()
            .filter(|template| {
                cloud.eq_ignore_ascii_case(template.cloud)
                    || cloud.eq_ignore_ascii_case(template.cloud_short)
            })
            .copied()
            .collect()
    }

    fn profile(&self, input: &str, part: &Part<'_>, text: &str) -> Result<String, Problem> {
        let start = part.at + part.text.len() - text.len();
        match crypto::percent_decode(text) {
            Some(profile) if !profile.is_empty() => Ok(profile),
            _ => {
                let message = "the profile after “@” is empty or badly encoded".to_owned();
                Err(self.wrong(input, message, start..start + text.len(), None))
            }
        }
    }

    fn template(
        &self,
        input: &str,
        of_cloud: &[&'static Template],
        part: &Part<'_>,
    ) -> Result<&'static Template, Problem> {
        let found = of_cloud.iter().find(|template| {
            part.text.eq_ignore_ascii_case(template.kind)
                || part.text.eq_ignore_ascii_case(template.kind_short)
        });
        if let Some(template) = found {
            return Ok(template);
        }
        let cloud = of_cloud[0].cloud;
        let asked = format!("{cloud}/{}", part.text.to_ascii_lowercase());
        let message = if self.reserved.contains(&asked.as_str()) {
            format!("the kind “{}” is reserved and not served yet", part.text)
        } else {
            format!("{cloud} has no kind “{}”", part.text)
        };
        let nearest = of_cloud
            .iter()
            .min_by_key(|template| strsim::damerau_levenshtein(template.kind, part.text))
            .copied();
        Err(self.wrong(input, message, part.range(), nearest))
    }

    /// The segments that the profile's settings fill in on the left.
    fn missing(
        &self,
        input: &str,
        template: &'static Template,
        given: usize,
        profile: &str,
    ) -> Result<Vec<String>, Problem> {
        let wanted = template.segments.len();
        if given > wanted {
            let at = nth_segment(input, 2 + wanted);
            let message = format!("{given} segments where {template} has {wanted}");
            return Err(self.wrong(input, message, at, Some(template)));
        }
        template.segments[..wanted - given]
            .iter()
            .map(|segment| {
                segment
                    .setting
                    .filter(|_| given > 0)
                    .and_then(|key| (self.setting)(template.cloud, profile, key))
                    .ok_or_else(|| {
                        let mut problem = self.wrong(
                            input,
                            format!("{} is missing", segment.name),
                            end_of(input),
                            Some(template),
                        );
                        if let (Some(key), true) = (segment.setting, given > 0) {
                            let hint = problem.hint.take().unwrap_or_default();
                            problem.hint = Some(format!(
                                "{hint}; or set {key} in [{}.{profile}] of the settings file",
                                template.cloud
                            ));
                        }
                        problem
                    })
            })
            .collect()
    }

    fn segment(
        &self,
        input: &str,
        template: &'static Template,
        part: &Part<'_>,
    ) -> Result<String, Problem> {
        let wrong = |message: &str| {
            Err(self.wrong(input, message.to_owned(), part.range(), Some(template)))
        };
        match crypto::percent_decode(part.text) {
            None => wrong("a “%” is not followed by two hex digits of UTF-8 text"),
            Some(text) if text.is_empty() => wrong("a segment is empty"),
            Some(text) if text == "." || text == ".." => {
                wrong("“.” and “..” cannot be segments: they would name another path")
            }
            Some(text) if text.contains(char::is_control) => {
                wrong("a segment holds a control character")
            }
            Some(text) => Ok(text),
        }
    }

    /// The ids of a range, read on the raw text, so that an encoded `-` makes none.
    fn range(
        &self,
        input: &str,
        template: &'static Template,
        part: &Part<'_>,
    ) -> Result<Option<Vec<String>>, Problem> {
        let Some([job, start, end, step]) = range_parts(part.text) else {
            return Ok(None);
        };
        let wrong = |message: String| self.wrong(input, message, part.range(), Some(template));
        let number = |text: &str| {
            text.parse::<u64>()
                .map_err(|_| wrong("an index of the range is too large".to_owned()))
        };
        let (start, end, step) = (number(start)?, number(end)?, number(step)?);
        if step == 0 {
            return Err(wrong("the step of the range must be at least 1".to_owned()));
        }
        if start > end {
            return Err(wrong("the range starts after its end".to_owned()));
        }
        if (end - start) / step >= LONGEST_RANGE {
            return Err(wrong(format!(
                "the range holds more than {LONGEST_RANGE} subtasks"
            )));
        }
        let job = crypto::percent_decode(job)
            .ok_or_else(|| wrong("a “%” is not followed by two hex digits".to_owned()))?;
        let mut ids = Vec::new();
        let mut index = Some(start);
        while let Some(at) = index.filter(|at| *at <= end) {
            ids.push(format!("{job}_{at}"));
            index = at.checked_add(step);
        }
        Ok(Some(ids))
    }

    /// Wrong use that points at a part and shows the nearest form.
    fn wrong(
        &self,
        input: &str,
        message: String,
        span: Range<usize>,
        nearest: Option<&'static Template>,
    ) -> Problem {
        let nearest = nearest.or_else(|| {
            self.templates
                .iter()
                .min_by_key(|template| {
                    let head =
                        |text: &str| text.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
                    strsim::damerau_levenshtein(&head(&template.to_string()), &head(input))
                })
                .copied()
        });
        let mut problem = Problem::usage(message);
        problem.input = Some(input.to_owned());
        problem.span = Some(span);
        problem.hint =
            nearest.map(|template| format!("write {template}, such as {}", template.sample));
        problem
    }
}

impl Reference {
    fn with_id(&self, id: String) -> Self {
        let mut other = self.clone();
        *other
            .segments
            .last_mut()
            .expect("every template has at least one segment") = id;
        other
    }
}

/// `10_1-9:2` as job, start, end and step; `None` for any other text.
fn range_parts(text: &str) -> Option<[&str; 4]> {
    let (job, indices) = text.rsplit_once('_')?;
    let (bounds, step) = indices.split_once(':').unwrap_or((indices, "1"));
    let (start, end) = bounds.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (!job.is_empty() && [start, end, step].into_iter().all(digits))
        .then_some([job, start, end, step])
}

struct Part<'a> {
    text: &'a str,
    at: usize,
}

impl Part<'_> {
    fn range(&self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }
}

fn split(input: &str) -> Vec<Part<'_>> {
    let mut at = 0;
    input
        .split('/')
        .map(|text| {
            let part = Part { text, at };
            at += text.len() + 1;
            part
        })
        .collect()
}

fn end_of(input: &str) -> Range<usize> {
    input.len()..input.len()
}

fn nth_segment(input: &str, n: usize) -> Range<usize> {
    split(input)
        .get(n)
        .map_or_else(|| end_of(input), |part| part.at..input.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    static JOB: Template = Template {
        cloud: "aliyun",
        cloud_short: "ali",
        kind: "job",
        kind_short: "job",
        segments: &[
            Segment {
                name: "CLUSTER",
                setting: Some("cluster"),
            },
            Segment {
                name: "JOB",
                setting: None,
            },
        ],
        ranges: true,
        sample: "aliyun/job/ehpc-hz-FYUr32/5",
    };
    static SERVICE: Template = Template {
        cloud: "tencent",
        cloud_short: "qcloud",
        kind: "service",
        kind_short: "svc",
        segments: &[
            Segment {
                name: "CLUSTER",
                setting: Some("cluster"),
            },
            Segment {
                name: "NAMESPACE",
                setting: Some("namespace"),
            },
            Segment {
                name: "SERVICE",
                setting: None,
            },
        ],
        ranges: false,
        sample: "tencent/service/cls-xxxxx/default/web",
    };

    fn read(input: &str) -> Result<Vec<Reference>, Problem> {
        Reader {
            templates: &[&JOB, &SERVICE],
            reserved: &["aliyun/scheduler-job"],
            default_profile: "default",
            setting: &|cloud, profile, key| match (cloud, profile, key) {
                ("aliyun", "prod", "cluster") => Some("c-prod".into()),
                ("tencent", _, "namespace") => Some("default".into()),
                _ => None,
            },
        }
        .read(input)
    }

    fn canonical(input: &str) -> Vec<String> {
        read(input)
            .expect(input)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn takes_short_names_and_prints_long_ones() {
        assert_eq!(canonical("ALI/Job/c/5"), ["aliyun/job/c/5"]);
        assert_eq!(canonical("qcloud/svc/c/n/s"), ["tencent/service/c/n/s"]);
        assert_eq!(canonical("aliyun@default/job/c/5"), ["aliyun/job/c/5"]);
        assert_eq!(canonical("aliyun@prod/job/c/5"), ["aliyun@prod/job/c/5"]);
        assert_eq!(
            canonical("aliyun/job/c/a%2fb%20你"),
            ["aliyun/job/c/a%2Fb%20%E4%BD%A0"]
        );
    }

    #[test]
    fn fills_what_is_missing_on_the_left_from_the_profile() {
        assert_eq!(canonical("aliyun@prod/job/5"), ["aliyun@prod/job/c-prod/5"]);
        assert_eq!(
            read("tencent/service/web").unwrap_err().message,
            "CLUSTER is missing"
        );
        assert!(
            read("aliyun/job/5")
                .unwrap_err()
                .hint
                .unwrap()
                .contains("[aliyun.default]")
        );
    }

    #[test]
    fn expands_ranges_on_the_raw_text_only() {
        assert_eq!(
            canonical("aliyun/job/c/10_1-9:4"),
            [
                "aliyun/job/c/10_1",
                "aliyun/job/c/10_5",
                "aliyun/job/c/10_9"
            ]
        );
        assert_eq!(
            canonical("aliyun/job/c/10_1%2D5"),
            ["aliyun/job/c/10_1%2D5"]
        );
        assert_eq!(
            canonical("tencent/service/c/n/10_1-5"),
            ["tencent/service/c/n/10_1-5"]
        );
        for wrong in [
            "10_5-1",
            "10_1-5:0",
            "10_1-20000",
            "10_1-99999999999999999999",
        ] {
            assert!(read(&format!("aliyun/job/c/{wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn points_at_the_wrong_part() {
        let spans = [
            ("aliyn/job/c/5", "aliyn"),
            ("aliyun/jbo/c/5", "jbo"),
            ("aliyun/job/c/..", ".."),
            ("aliyun/job/c/%2e%2E", "%2e%2E"),
            ("aliyun/job/c/a%2", "a%2"),
            ("aliyun/job/c/5/6/7", "6/7"),
            ("aliyun/job/c/", ""),
            ("aliyun/job//5", ""),
            ("aliyun@/job/c/5", ""),
        ];
        for (input, part) in spans {
            let problem = read(input).unwrap_err();
            assert_eq!(&input[problem.span.unwrap()], part, "{input}");
        }
        let hint = read("aliyun/jbo/c/5").unwrap_err().hint.unwrap();
        assert_eq!(
            hint,
            "write aliyun/job/CLUSTER/JOB, such as aliyun/job/ehpc-hz-FYUr32/5"
        );
        let reserved = read("aliyun/scheduler-job/c/5").unwrap_err().message;
        assert!(reserved.contains("reserved"), "{reserved}");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_as_the_same(
            profile in "[a-zA-Z0-9你%@ ._-]{1,8}",
            segments in proptest::collection::vec("[^\\p{Cc}]{1,12}|[0-9]_[0-9]-[0-9](:[0-9])?", 2),
        ) {
            prop_assume!(segments.iter().all(|s| s != "." && s != ".."));
            let one = Reference { template: &JOB, profile, segments, input: String::new() };
            let printed = one.to_string();
            prop_assert!(printed.is_ascii());
            let again = read(&printed).unwrap();
            prop_assert_eq!(again.len(), 1);
            prop_assert_eq!(&again[0].segments, &one.segments);
            prop_assert_eq!(&again[0].profile, &one.profile);
            prop_assert_eq!(again[0].to_string(), printed);
        }

        #[test]
        fn no_text_makes_it_panic(input in "\\PC{0,40}") {
            let _ = read(&input);
        }
    }
}
