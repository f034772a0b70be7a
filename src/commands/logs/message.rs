//! Recognizes messages of a server within the text of a log.

/// Prefixes of messages that a kubelet writes into a response if it can no longer read the log. The messages have
/// neither a timestamp nor a line end.
const MESSAGES: [&str; 3] = [
    "unable to retrieve container logs for ",
    "failed to ",
    "rpc error: ",
];

/// Removes and returns a server message at the end of a response, if the response begins a line or contains a line
/// end before it.
pub(super) fn split_message(text: &mut Vec<u8>, begins_line: bool) -> Option<String> {
    let at = memchr::memrchr(b'\n', text).map_or(0, |at| at + 1);
    let is_line = begins_line || at > 0;
    let is_message = |words: &&str| text[at..].starts_with(words.as_bytes());
    MESSAGES.iter().find(|words| is_line && is_message(words))?;
    let message = text.split_off(at);
    Some(String::from_utf8_lossy(&message).into_owned())
}
