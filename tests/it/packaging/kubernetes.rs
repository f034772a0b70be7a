//! Checks `examples/kubernetes/gate.yml`: the Role has all permissions that joblens needs, and the Job runs a valid
//! command.

use serde_json::Value;

use super::yaml;
use crate::support::joblens;

/// Returns `true` if a list contains a word, or `*`.
fn contains(list: &Value, word: &str) -> bool {
    let words = list.as_array().unwrap();
    words.iter().any(|one| one == word || one == "*")
}

/// Returns resources such as `jobs.batch` with their verbs, from `get on jobs.batch, list on pods and events`.
fn needed(permission: &str) -> Vec<(String, String)> {
    let text = permission.replace(" and ", ", ");
    let mut verb = String::new();
    let parts = text.split(", ").map(|part| {
        let resource = match part.split_once(" on ") {
            Some((new, resource)) => {
                verb = new.to_owned();
                resource
            }
            None => part,
        };
        (verb.clone(), resource.to_owned())
    });
    parts.collect()
}

#[test]
fn the_role_grants_the_permissions_of_every_kind() {
    let list = yaml("examples/kubernetes/gate.yml");
    let rules = list["items"][0]["rules"].as_array().unwrap();
    let kinds = joblens(&["kinds", "kubernetes", "-o", "json"]).run().json();
    for kind in kinds["kinds"].as_array().unwrap() {
        let texts = ["permission", "list_permission", "logs_permission"];
        for (verb, resource) in texts
            .iter()
            .flat_map(|key| needed(kind[key].as_str().unwrap()))
        {
            let (resource, group) = resource.split_once('.').unwrap_or((&resource, ""));
            let permits = |rule: &Value| {
                contains(&rule["apiGroups"], group)
                    && contains(&rule["resources"], resource)
                    && contains(&rule["verbs"], &verb)
            };
            assert!(rules.iter().any(permits), "{verb} on {resource}.{group}");
        }
    }
}

#[test]
fn the_job_runs_a_valid_wait_with_the_service_account_of_the_role() {
    let list = yaml("examples/kubernetes/gate.yml");
    let [role, account, binding, job] = &list["items"].as_array().unwrap()[..] else {
        panic!("{list}");
    };
    assert_eq!(binding["roleRef"]["name"], role["metadata"]["name"]);
    assert_eq!(binding["subjects"][0]["name"], account["metadata"]["name"]);
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(pod["serviceAccountName"], account["metadata"]["name"]);
    let command = pod["containers"][0]["command"].as_array().unwrap();
    let words: Vec<&str> = command.iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words[..2], ["joblens", "wait"]);
    // The command is valid even without an account.
    let run = joblens(&words[1..]).run();
    assert_eq!(run.code, 4, "{}", run.stderr);
}
