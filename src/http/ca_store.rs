//! The CA certificates of the machine, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name instead.

use std::path::Path;

use rustls::pki_types::CertificateDer;

/// CA certificates, and why there are none.
pub(super) struct CaCertificates {
    pub certificates: Vec<CertificateDer<'static>>,
    pub problem: Option<String>,
}

/// Reads them, from the places that the variables of the environment name.
pub(super) fn load(environment: &[(String, String)]) -> CaCertificates {
    let certificates = rustls_native_certs::load_native_certs().certs;
    let problem = match certificates.is_empty() {
        true => variable_problem(environment),
        false => None,
    };
    CaCertificates {
        certificates,
        problem,
    }
}

/// What is wrong with the variables that name CA certificates, when none were found.
fn variable_problem(environment: &[(String, String)]) -> Option<String> {
    let problems = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().flat_map(|name| {
        let found = environment.iter().find(|(key, _)| key == name);
        let value = found.map_or("", |(_, value)| value);
        let is_list = *name == "SSL_CERT_DIR";
        let paths = value.split(move |c| is_list && c == ':');
        paths.filter_map(move |path| {
            found?;
            let wrong = path_problem(path, is_list);
            Some(format!("{name}: {path} {wrong}"))
        })
    });
    let problems: Vec<String> = problems.collect();
    (!problems.is_empty()).then(|| problems.join("; "))
}

fn path_problem(path: &str, is_folder: bool) -> &'static str {
    match Path::new(path).metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "does not exist",
        Err(_) => "cannot be read",
        Ok(data) if is_folder && !data.is_dir() => "is not a directory",
        Ok(data) if !is_folder && data.is_dir() => "is a directory",
        Ok(_) => "contains no CA certificate",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_and_what_it_names_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let file = format!("{path}/empty.pem");
        std::fs::write(&file, "").unwrap();
        for (name, value, problem) in [
            (
                "SSL_CERT_FILE",
                "/nope".to_owned(),
                "SSL_CERT_FILE: /nope does not exist".to_owned(),
            ),
            (
                "SSL_CERT_FILE",
                path.to_owned(),
                format!("SSL_CERT_FILE: {path} is a directory"),
            ),
            (
                "SSL_CERT_FILE",
                file.clone(),
                format!("SSL_CERT_FILE: {file} contains no CA certificate"),
            ),
            (
                "SSL_CERT_DIR",
                file.clone(),
                format!("SSL_CERT_DIR: {file} is not a directory"),
            ),
            (
                "SSL_CERT_DIR",
                format!("/nope:{path}"),
                format!(
                    "SSL_CERT_DIR: /nope does not exist; SSL_CERT_DIR: {path} contains no CA certificate"
                ),
            ),
        ] {
            let found = variable_problem(&[(name.to_owned(), value)]);
            assert_eq!(found, Some(problem));
        }
        assert_eq!(variable_problem(&[]), None);
    }
}
