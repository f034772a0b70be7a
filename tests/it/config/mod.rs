//! The config file: what `config init` writes, and what its profiles mean.

mod init;
pub mod settings;
