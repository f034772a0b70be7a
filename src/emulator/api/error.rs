//! Reasons why the emulator rejects a request.

use crate::emulator::message::ServerResponse;
use crate::emulator::tokens::TokenError;

/// Why a request fails; each cloud formats it differently.
#[derive(Debug)]
pub enum EmulatedError {
    /// Too many requests.
    Throttled,
    /// The credential is unknown.
    Refused,
    /// The cloud fails with this HTTP status.
    Unavailable(u16),
    /// The operation does not exist.
    UnknownOperation,
    /// The operation does not allow this method.
    Method,
    /// This parameter is missing.
    Missing(&'static str),
    /// This header is missing or malformed.
    MissingHeader(&'static str),
    /// This parameter is invalid.
    Invalid(&'static str),
    /// The resource does not exist.
    NotFound,
    /// The signature is wrong.
    Signature,
    /// The time of the signature is unreadable.
    TimeFormat,
    /// The time of the signature is too far from the server's.
    ClockSkew,
    /// The nonce was used before.
    Replayed,
    /// The token is wrong.
    Token(TokenError),
    /// An error that only this operation returns.
    Response(ServerResponse),
}
