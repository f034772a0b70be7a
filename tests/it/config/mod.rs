//! The config file: the file that `config init` writes, and the meaning of its profiles.

mod init;
pub mod settings;
