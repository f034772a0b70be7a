//! Pages of lists.

use std::ops::RangeInclusive;

use super::api::{EmulatedCall, EmulatedError};

/// How an operation names the place and the size of a page.
#[derive(Debug)]
pub struct Pager {
    at: &'static str,
    size: &'static str,
    default_size: usize,
    sizes: RangeInclusive<usize>,
    /// The place of the first page.
    first: usize,
    /// Places are numbers of pages, not of rows.
    counts_pages: bool,
}

/// A part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The place, as the request has it.
    pub at: usize,
    /// How many rows the page has at most.
    pub size: usize,
    skip: usize,
}

impl Pager {
    /// Places are numbers of pages, from 1.
    pub const fn pages(default_size: usize, max_size: usize) -> Self {
        Self::numbers(["PageNumber", "PageSize"], default_size, max_size)
    }

    /// The same with the names of place and size.
    pub const fn numbers(names: [&'static str; 2], default_size: usize, max_size: usize) -> Self {
        Self {
            first: 1,
            ..Self::pages_from_0(names, default_size, 1..=max_size)
        }
    }

    /// Places are numbers of pages, from 0; with the names of place and size.
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

    /// Places are numbers of rows, from 0; with the names of place and size.
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

    /// The page that a call requests.
    ///
    /// # Errors
    /// A parameter is wrong.
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
    /// The rows of the page.
    pub fn of<T>(self, rows: Vec<T>) -> impl Iterator<Item = T> {
        rows.into_iter().skip(self.skip).take(self.size)
    }
}
