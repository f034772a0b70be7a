//! aliyun
use super::{Cloud, serve::Server};
/// aliyun
pub static CLOUD: Cloud = Cloud {
    name: "aliyun",
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
