//! tencent
use super::{Cloud, serve::Server};
/// tencent
pub static CLOUD: Cloud = Cloud {
    name: "tencent",
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
