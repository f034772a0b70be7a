//! The number of lines that `joblens logs --tail` requests.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::Server;
use crate::support::emulated::{Emulated, passed_on};

const POD: &str = "kubernetes/pod/ci/p";

#[test]
fn only_the_requested_lines_are_read_unless_the_log_is_followed() {
    let emulated = Emulated::start(&format!(
        "[[job]]\nref = '{POD}'\nage = '1h'\n\
         states = [{{ after = '0s', state = 'Running' }}, {{ after = '1m', state = 'Succeeded' }}]\n\
         log = [{{ after = '1s', line = 'line {{n}}', times = 9 }}]\n"
    ));
    for (options, requested) in [
        (&["--timestamps"][..], "&tailLines=2&"),
        (&["-o", "jsonl"], "&tailLines=2&"),
        (&["-f"], "&tailLines=102&"),
    ] {
        let origin = emulated.origin.clone();
        let server = Server::start(move |_, request, stream| {
            let response = passed_on(&origin, &request.head, stream);
            let _ = stream.write_all(&response);
        });
        let arguments = [&["logs", "--tail", "2"], options, &[POD]].concat();
        let run = emulated.joblens(&arguments);
        let run = run.env("JOBLENS_KUBERNETES_ENDPOINT", server.origin());
        let run = run.start(Stdio::piped(), Stdio::piped()).end();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stdout.contains("line 8") && !run.stdout.contains("line 7"));
        let targets = server.received();
        let mut logs = targets
            .iter()
            .filter(|request| request.target().contains("/log?"));
        let target = logs.next().unwrap().target();
        assert!(target.contains(requested), "{options:?}: {target}");
    }
}
