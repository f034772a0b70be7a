//! `get` and `describe`: how references are given, and the page of a job.

mod describe;
mod pager;
mod references;
