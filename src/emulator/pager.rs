//! Pages of lists.

use std::ops::RangeInclusive;

use super::api::{EmulatedCall, EmulatedError};

/// How an operation specifies the position and size of a page.
#[derive(Debug)]
pub struct Pager {
    at: &'static str,
    size: &'static str,
    default_size: usize,
    sizes: RangeInclusive<usize>,
    /// Position of the first page.
    first: usize,
    /// `true` if positions count pages instead of rows.
    counts_pages: bool,
}

/// A page of a list.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The position in the request.
    pub at: usize,
    /// Maximum number of rows.
    pub size: usize,
    skip: usize,
}

impl Pager {
    /// Creates a pager whose positions are page numbers from 1.
    pub const fn pages(default_size: usize, max_size: usize) -> Self {
        Self::numbers(["PageNumber", "PageSize"], default_size, max_size)
    }

    /// Creates a pager whose positions are page numbers from 1; `names` are the parameters for position and size.
    pub const fn numbers(names: [&'static str; 2], default_size: usize, max_size: usize) -> Self {
        Self {
            first: 1,
            ..Self::pages_from_0(names, default_size, 1..=max_size)
        }
    }

    /// Creates a pager whose positions are page numbers from 0; `names` are the parameters for position and size.
    pub const fn pages_from_0(
        names: [&'static str; 2],
        default_size: usize,
        sizes: RangeInclusive<usize>,
    ) -> Self {
        Self {
            counts_pages: true,
            ..Self::rows(names, default_size, sizes)
        }
    }

    /// Creates a pager whose positions are row numbers from 0; `names` are the parameters for position and size.
    pub const fn rows(
        names: [&'static str; 2],
        default_size: usize,
        sizes: RangeInclusive<usize>,
    ) -> Self {
        let [at, size] = names;
        Self {
            at,
            size,
            default_size,
            sizes,
            first: 0,
            counts_pages: false,
        }
    }

    /// Returns the requested page.
    ///
    /// # Errors
    /// An error for an invalid parameter.
    pub fn page(&self, call: &EmulatedCall<'_>) -> Result<Page, EmulatedError> {
        let at = call.number(self.at, self.first, self.first..=usize::MAX)?;
        let size = call.number(self.size, self.default_size, self.sizes.clone())?;
        let skip = match self.counts_pages {
            true => (at - self.first).saturating_mul(size),
            false => at,
        };
        Ok(Page { at, size, skip })
    }
}

impl Page {
    /// Returns the rows of the page.
    pub fn of<T>(self, rows: Vec<T>) -> impl Iterator<Item = T> {
        rows.into_iter().skip(self.skip).take(self.size)
    }
}
