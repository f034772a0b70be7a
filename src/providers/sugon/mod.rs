//! sugon
use super::{Cloud, serve::Server};
/// sugon
pub static CLOUD: Cloud = Cloud {
    name: "sugon",
    kinds: &[],
    keys: &[],
    connect: |_, _| unimplemented!(),
    server: Server {
        operation: |_| None,
        answer: |_, _| unimplemented!(),
        throttled: || unimplemented!(),
        unavailable: |_| unimplemented!(),
        environment: &[],
    },
};
