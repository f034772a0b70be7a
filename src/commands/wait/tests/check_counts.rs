//! How often all jobs are checked: a check reads each of them.

use super::*;
use crate::commands::poll::PollEvent;
use crate::commands::run_loop::{LoopHandler, RunLoop};

/// A handler that records when it checks all jobs, and ends after this time.
struct CheckRecorder {
    ends_at: Duration,
    checks: Vec<Duration>,
}

impl LoopHandler for CheckRecorder {
    type LoopResult = ();

    fn check(&mut self, run: &mut RunLoop) -> Option<()> {
        let now = run.poller.elapsed();
        self.checks.push(now);
        (now >= self.ends_at).then_some(())
    }

    fn on_event(&mut self, _: &RunLoop, _: &PollEvent) {}

    fn on_message(&mut self, _: &RunLoop, _: String) {}

    fn wake_at(&self, _: &RunLoop) -> Option<Duration> {
        Some(self.ends_at)
    }
}

#[tokio::test(start_paused = true)]
async fn lists_of_thousands_of_unchanged_jobs_are_checked_together() {
    let client = Arc::new(client(|_, _| RUNNING).with_list());
    let references = subtasks(10_000).iter().map(|id| reference(id)).collect();
    let lookup = Lookup::scripted(references, &client);
    let mut options = options(seconds(3600));
    options.interval = Some(seconds(20));
    let mut recorder = CheckRecorder {
        ends_at: seconds(100),
        checks: Vec::new(),
    };
    let mut run = run_loop(Arc::new(lookup), &options);
    let end = run.run(&mut recorder, pin!(pending())).await;
    assert_eq!(end, Ok(()));
    // The first rounds are those in which the lists become distributed over time.
    let is_counted = |at: &Duration| (40..100).contains(&at.as_secs());
    let received = client.received();
    let lists = received.iter().filter(|(at, _)| is_counted(at));
    let checks = recorder.checks.iter().filter(|at| is_counted(at));
    let (lists, checks) = (lists.count(), checks.count());
    // Three rounds of a hundred lists, and at most three checks per second.
    assert!(lists >= 250, "{lists} lists");
    assert!(checks <= 180, "{checks} checks of {lists} lists");
}
