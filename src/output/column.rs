use std::borrow::Cow;

use super::cell::Cell;
use super::text::truncate_chars;
use super::{RenderContext, Zone};
use crate::error::{Problem, closest_match, comma_hint};

/// A longer cell is truncated on a terminal, so that one row takes no more than a screen.
const MAX_CELL_CHARS: usize = 1000;

/// The inputs of a cell in addition to its row.
#[derive(Debug, Clone, Copy)]
pub struct CellContext<'a> {
    /// The name of the column.
    pub(super) column: &'a str,
    /// The time zone for times within a text.
    pub(super) zone: Zone,
}

/// Reads the cell of one row.
pub(super) type CellReader<T> = for<'r> fn(&'r T, &CellContext<'_>) -> Cell<'r>;

/// A column of rows of type `T`, for tables, Markdown, csv and tsv.
#[derive(Debug, Clone)]
pub struct Column<T> {
    /// The name for users, which is that of the JSON field if there is one.
    pub(super) name: Cow<'static, str>,
    /// The header in tables for people, unless it is the name in capitals.
    header: Option<&'static str>,
    read: CellReader<T>,
}

/// Rows with columns that users select by name.
pub trait Tabular: Clone + 'static {
    /// Columns that repeat others in words for people: csv and tsv omit them unless they are chosen.
    const REPEATED: &'static [&'static str];
    /// The beginning of the message about an unknown name.
    const UNKNOWN_COLUMN: &'static str;
    /// Describes the columns of [`Self::dynamic_column`], after the list of the others.
    const DYNAMIC_COLUMNS: &'static str = "";

    /// Returns every column in the default order of csv and tsv. New columns are only added at the end.
    fn columns() -> &'static [Column<Self>];

    /// Returns a column that depends on its name.
    fn dynamic_column(_name: &str) -> Option<Column<Self>> {
        None
    }
}

impl<T> Column<T> {
    /// Creates a column whose header is its name in capitals.
    pub(super) const fn new(name: &'static str, read: CellReader<T>) -> Self {
        Self {
            name: Cow::Borrowed(name),
            header: None,
            read,
        }
    }

    /// Creates a column with another header.
    pub(super) const fn with_header(
        name: &'static str,
        header: &'static str,
        read: CellReader<T>,
    ) -> Self {
        Self {
            name: Cow::Borrowed(name),
            header: Some(header),
            read,
        }
    }

    /// Creates a column that depends on its name; the header is the text after the first dot.
    pub(super) fn dynamic(name: &str, read: CellReader<T>) -> Self {
        Self {
            name: Cow::Owned(name.to_owned()),
            header: None,
            read,
        }
    }

    /// Returns the header in tables for people, not escaped yet.
    pub(super) fn header(&self) -> String {
        match self.header {
            Some(header) => header.to_owned(),
            None => {
                let key = self.name.split_once('.').map(|(_, key)| key);
                key.unwrap_or(&self.name).to_uppercase()
            }
        }
    }

    /// Returns the cell of a row; `zone` is for times within a text.
    pub(super) fn cell<'r>(&self, row: &'r T, zone: Zone) -> Cell<'r> {
        let column = &self.name;
        (self.read)(row, &CellContext { column, zone })
    }

    /// Returns the cell of a row for people, not escaped yet; `-` if unknown.
    pub(super) fn display(&self, row: &T, context: &RenderContext) -> String {
        let cell = self.cell(row, context.zone);
        let text = cell.display(context);
        let text = text.unwrap_or(Cow::Borrowed("-"));
        match context.width {
            Some(_) => truncate_chars(&text, MAX_CELL_CHARS).into_owned(),
            None => text.into_owned(),
        }
    }
}

impl<T: Tabular> Column<T> {
    /// Returns the names of the columns that every row has.
    pub fn names() -> impl Iterator<Item = &'static str> {
        T::columns().iter().map(|column| column.name.as_ref())
    }

    /// Returns the column with this name or header.
    ///
    /// # Errors
    /// Returns a usage error with the closest name.
    pub fn by_name(name: &str) -> Result<Self, Problem> {
        let name = name.trim();
        Self::find(name).ok_or_else(|| Self::unknown(name, ("", name)))
    }

    /// Returns the column with this name or header; `None` if it does not exist.
    pub(super) fn find(name: &str) -> Option<Self> {
        let wanted = name.to_ascii_lowercase();
        let is_wanted = |column: &&Self| {
            let is_header = |header: &str| header.eq_ignore_ascii_case(name);
            column.name == wanted || column.header.is_some_and(is_header)
        };
        let known = T::columns().iter().find(is_wanted);
        known.cloned().or_else(|| T::dynamic_column(name))
    }

    /// Returns a usage error for an unknown name, with the closest name for the one that is meant. `sign` precedes the
    /// suggested name.
    pub(super) fn unknown(name: &str, (sign, meant): (&str, &str)) -> Problem {
        let problem = Problem::usage(format!("{} '{name}'", T::UNKNOWN_COLUMN));
        if let Some(hint) = comma_hint(name) {
            return problem.with_hint(hint);
        }
        let closest = match Self::find(meant) {
            Some(_) => Some(meant),
            None => closest_match(Self::names(), &meant.to_ascii_lowercase()),
        };
        let closest = closest.map_or_else(String::new, |closest| {
            format!("did you mean '{sign}{closest}'? ")
        });
        let names: Vec<&str> = Self::names().collect();
        problem.with_hint(format!(
            "{closest}available: {}{}",
            names.join(" "),
            T::DYNAMIC_COLUMNS
        ))
    }

    /// Returns the columns with these names, all of which must exist.
    pub(super) fn all(names: &[&str]) -> Vec<Self> {
        let named = |name: &&str| Self::by_name(name).expect("the columns of our own tables exist");
        names.iter().map(named).collect()
    }

    /// Returns the default columns of csv and tsv: all that every row has, without repetition.
    pub(super) fn for_programs() -> Vec<Self> {
        let is_exact = |column: &&Self| !T::REPEATED.contains(&column.name.as_ref());
        T::columns().iter().filter(is_exact).cloned().collect()
    }
}
