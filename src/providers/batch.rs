//! Looks up many jobs with a few list requests.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::client::KindOps;
use super::request::{BatchRequest, ListRequest};
use super::{Cursor, Filter, GetResult, is_list_unavailable};
use crate::error::{Category, Problem};
use crate::model::State;
use crate::reference::{Reference, Scope};

/// At most one page of a list of active jobs is read for this many references.
const REFERENCES_PER_PAGE: usize = 50;

/// Maximum number of pages that are read of a list by ids, and of a list for a single reference.
const MAX_PAGES: usize = 3;

/// Looks up jobs of one kind in lists: by their ids if the list accepts ids, otherwise in the list of active
/// jobs. Returns `None` for references that are in no list.
///
/// # Errors
/// The problem of a list request; then no job was looked up.
pub(super) async fn batch_get<A: Sync>(
    ops: &dyn KindOps<A>,
    api: &A,
    batch: BatchRequest<'_>,
) -> Result<Vec<Option<GetResult>>, Problem> {
    let first = batch.references.first();
    let max_ids = first.and_then(|first| first.kind.max_ids);
    let rows = match max_ids {
        Some(max_ids) => rows_by_ids(ops, api, batch, max_ids).await?,
        None => active_rows(ops, api, batch).await?,
    };
    // A row of an ended job in the list of active jobs is not used: a lookup of the job returns more than its row.
    let is_used =
        |row: &GetResult| max_ids.is_some() || !row.job.ended && row.job.state_raw.is_some();
    let mut rows_by_reference: HashMap<String, Option<GetResult>> = HashMap::new();
    for row in rows {
        batch.ends.record(&row.job.reference, &row.job);
        let entry = rows_by_reference.entry(row.job.reference.clone());
        // Rows that contradict each other, or lack a field that can show a failure, are not used: the job is
        // looked up by itself.
        let is_read = |row: &GetResult| row.job.unread_cause.is_none();
        let state = |row: &GetResult| (row.job.state, row.job.state_raw.clone());
        entry
            .and_modify(|other| *other = other.take().filter(|other| state(other) == state(&row)))
            .or_insert_with(|| Some(row).filter(is_read));
    }
    let row = |reference: &Reference| {
        let mut row = rows_by_reference
            .remove(&reference.to_string())?
            .filter(is_used)?;
        row.job.input.clone_from(&reference.input);
        Some(row)
    };
    Ok(batch.references.iter().map(row).collect())
}

/// Returns the rows of lists by ids, for a kind whose jobs are in no parent scope.
async fn rows_by_ids<A: Sync>(
    ops: &dyn KindOps<A>,
    api: &A,
    batch: BatchRequest<'_>,
    max_ids: usize,
) -> Result<Vec<GetResult>, Problem> {
    let mut groups = BTreeMap::<_, BTreeSet<_>>::new();
    // The list would read an id with a comma as two ids.
    for id in batch
        .references
        .iter()
        .map(Reference::id)
        .filter(|id| !id.contains(','))
    {
        groups
            .entry(ops.batch_group(api, id))
            .or_default()
            .insert(id);
    }
    let (mut rows, mut listed) = (Vec::new(), BTreeSet::new());
    let Some(scope) = scope_of(batch.references) else {
        return Ok(rows);
    };
    for ids in groups.into_values() {
        let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
        for ids in ids.chunks(max_ids) {
            let filter = Filter {
                ids: ids.to_vec(),
                ..Filter::default()
            };
            let list = ListRequest {
                scope: &scope,
                filter: &filter,
                cursor: Cursor::FIRST,
                options: batch.options,
            };
            match read_rows(ops, api, list).await {
                Err(problem) if problem.category == Category::NotFound => {}
                read => {
                    if let Some(read) = read? {
                        rows.extend(read);
                        listed.extend(ids.iter().cloned());
                    }
                }
            }
        }
    }
    let is_listed = |reference: &&Reference| listed.contains(reference.id());
    let references = batch.references.iter();
    let unlisted = references.filter(|reference| !is_listed(reference));
    unlisted.for_each(|reference| batch.ends.skip(reference));
    Ok(rows)
}

/// Returns the rows of a list by ids. A total larger than the first page may mean two rows of one job. If
/// finding them takes more than [`MAX_PAGES`] pages, no row is used: `None`.
async fn read_rows<A: Sync>(
    ops: &dyn KindOps<A>,
    api: &A,
    mut list: ListRequest<'_>,
) -> Result<Option<Vec<GetResult>>, Problem> {
    let mut rows = Vec::new();
    for _ in 0..MAX_PAGES {
        let (next, total) = read_page(ops, api, list, &mut rows).await?;
        match next.filter(|_| total.is_some_and(|total| total > rows.len() as u64)) {
            Some(next) => list.cursor = next,
            None => return Ok(Some(rows)),
        }
    }
    Ok(None)
}

/// Returns the rows of lists of active jobs, one list per scope with at least two references. Reads only a few
/// pages of each list. The list of a single reference is read to compare its row with a lookup.
async fn active_rows<A: Sync>(
    ops: &dyn KindOps<A>,
    api: &A,
    batch: BatchRequest<'_>,
) -> Result<Vec<GetResult>, Problem> {
    let filter = Filter {
        states: State::ACTIVE.to_vec(),
        ..Filter::default()
    };
    let mut scopes = BTreeMap::<_, Vec<&Reference>>::new();
    for reference in batch.references {
        let parents = reference.segments.split_last().map(|(_, parents)| parents);
        scopes.entry(parents).or_default().push(reference);
    }
    let (mut rows, is_single_scope) = (Vec::new(), scopes.len() == 1);
    let is_single = batch.references.len() == 1;
    for references in scopes.values() {
        let scope = scope_of(references.iter().copied());
        let Some(scope) = scope.filter(|_| is_single || references.len() > 1) else {
            references.iter().for_each(|one| batch.ends.skip(one));
            continue;
        };
        let mut missing: BTreeSet<String> = references.iter().map(|one| one.to_string()).collect();
        let mut list = ListRequest {
            scope: &scope,
            filter: &filter,
            cursor: Cursor::FIRST,
            options: batch.options,
        };
        let pages = match is_single {
            true => MAX_PAGES,
            false => references.len().div_ceil(REFERENCES_PER_PAGE),
        };
        let mut is_complete = false;
        for _ in 0..pages {
            let before = rows.len();
            let next = match read_page(ops, api, list, &mut rows).await {
                // If the list of one scope is unavailable, its jobs are looked up one by one.
                Err(problem) if !is_single_scope && is_list_unavailable(&problem) => break,
                next => next?.0,
            };
            for row in &rows[before..] {
                missing.remove(&row.job.reference);
            }
            is_complete = next.is_none();
            match next.filter(|_| !missing.is_empty()) {
                Some(next) => list.cursor = next,
                None => break,
            }
        }
        let unread = references.iter();
        let unread = unread.filter(|one| !is_complete && missing.contains(&one.to_string()));
        unread.for_each(|one| batch.ends.skip(one));
    }
    Ok(rows)
}

/// Returns the scope of the first reference, which all of them have.
fn scope_of<'a>(references: impl IntoIterator<Item = &'a Reference>) -> Option<Scope> {
    let first = references.into_iter().next()?;
    let (_, parents) = first.segments.split_last()?;
    let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
    Scope::at(first.kind, &first.profile, &parents)
}

/// Adds the rows of a page, each with the notices of the page. Returns the start of the next page and the total
/// number of rows.
async fn read_page<A: Sync>(
    ops: &dyn KindOps<A>,
    api: &A,
    list: ListRequest<'_>,
    rows: &mut Vec<GetResult>,
) -> Result<(Option<Cursor>, Option<u64>), Problem> {
    let page = ops.list(api, list).await?;
    for mut row in page.rows {
        row.notices.extend(page.notices.iter().cloned());
        rows.push(row);
    }
    Ok((page.next, page.total))
}
