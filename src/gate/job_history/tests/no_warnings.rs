use super::*;

#[test]
fn no_warnings_is_met_only_after_the_warning_free_time_and_a_confirmed_job() {
    let condition = policy("no-warnings=10m");
    let mut history = JobHistory::new(true);
    history.observe(Observation::Read(&job(State::Unknown)), seconds(5));
    history.observe(Observation::Read(&job(State::Unknown)), seconds(700));
    assert_eq!(
        history.evaluate(&condition, seconds(700)).as_str(),
        "pending"
    );
    history.confirm();
    history.observe(Observation::Read(&job(State::Unknown)), seconds(701));
    assert_eq!(history.evaluate(&condition, seconds(701)).as_str(), "met");
    let mut short = JobHistory::new(true);
    short.confirm();
    short.observe(Observation::Read(&job(State::Unknown)), seconds(5));
    // The time without reads does not count as free of warnings.
    assert_eq!(
        short.evaluate(&condition, seconds(5000)).as_str(),
        "pending"
    );
}

#[test]
fn the_end_of_the_warning_free_time_requires_a_confirmation_of_the_job() {
    let (condition, warning_free_time) = (policy("no-warnings=10m"), seconds(600));
    let mut history = JobHistory::new(true);
    assert!(history.needs_confirmation(warning_free_time, seconds(0)));
    history.confirm();
    history.observe(Observation::Read(&job(State::Unknown)), seconds(1));
    assert!(!history.needs_confirmation(warning_free_time, seconds(600)));
    assert!(history.needs_confirmation(warning_free_time, seconds(601)));
    // It was confirmed before, but could have been deleted since.
    history.observe(Observation::Read(&job(State::Unknown)), seconds(602));
    assert_eq!(
        history.evaluate(&condition, seconds(602)).as_str(),
        "pending"
    );
    history.observe(
        Observation::Failed(&problem(Category::NotFound)),
        seconds(603),
    );
    assert!(history.needs_confirmation(seconds(6000), seconds(604)));
    history.confirm();
    history.observe(Observation::Read(&job(State::Unknown)), seconds(604));
    assert_eq!(history.evaluate(&condition, seconds(604)).as_str(), "met");
    let with_state = JobHistory::new(false);
    assert!(!with_state.needs_confirmation(warning_free_time, seconds(600)));
}

#[test]
fn no_warnings_is_unmet_for_a_failed_job() {
    let mut history = JobHistory::new(false);
    history.observe(Observation::Read(&job(State::Failed)), seconds(0));
    assert_eq!(
        history
            .evaluate(&policy("no-warnings=1s"), seconds(0))
            .as_str(),
        "unmet"
    );
}
