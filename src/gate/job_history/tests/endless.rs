use super::*;

#[test]
fn the_last_state_counts_for_a_resource_that_never_ends() {
    use State::{Failed, Running, Starting};
    for (states, expected) in [
        (&[Running, Starting][..], "pending"),
        (&[Starting, Running], "met"),
        (&[Running, Failed], "unmet"),
    ] {
        let mut history = JobHistory::new(false).with_endless(true);
        for state in states {
            let job = Job {
                ended: false,
                ..job(*state)
            };
            history.observe(Observation::Read(&job), seconds(1));
        }
        let evaluation = history.evaluate(&policy("running"), seconds(2));
        assert_eq!(evaluation.as_str(), expected, "{states:?}");
    }
}
