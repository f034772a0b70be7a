//! `get` and `describe`: forms of references, and the page of a job.

mod describe;
mod pager;
mod references;
