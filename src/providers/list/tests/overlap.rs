use super::*;

use std::sync::Mutex;

/// A list in an undocumented order. A request can start at any offset.
struct Unsorted {
    rows: Mutex<Vec<String>>,
    /// Number of rows that leave the list, and of rows that are appended, after each page.
    leaving: usize,
    /// Number of pages after which no more rows leave the list.
    is_quiet_after: usize,
    begins: Begins,
    offsets: Mutex<Vec<usize>>,
}

/// Where a page can begin.
#[derive(Clone, Copy, PartialEq)]
enum Begins {
    Anywhere,
    /// At a multiple of its size; other offsets are rounded.
    Rounded,
    /// At a multiple of its size; other offsets are errors.
    Rejected,
}

const SIZE: usize = 100;

#[async_trait]
impl Client for Unsorted {
    fn api(&self) -> &dyn CloudApi {
        unreachable!("only jobs are listed")
    }

    async fn get(&self, _: &Reference, _: &RequestOptions) -> Result<GetResult, Problem> {
        unreachable!("only lists are requested")
    }

    async fn list(
        &self,
        scope: &Scope,
        _: &Filter,
        cursor: Cursor,
        _: &RequestOptions,
    ) -> Result<Page, Problem> {
        let mut offsets = self.offsets.lock().unwrap();
        offsets.push(cursor.offset);
        let offset = match self.begins {
            Begins::Rejected if !cursor.offset.is_multiple_of(SIZE) => {
                return Err(Problem::new(Category::InvalidArgument, "offset"));
            }
            Begins::Rounded => cursor.offset / SIZE * SIZE,
            Begins::Anywhere | Begins::Rejected => cursor.offset,
        };
        let mut all = self.rows.lock().unwrap();
        let total = all.len();
        let rows: Vec<String> = all.iter().skip(offset).take(SIZE).cloned().collect();
        if offsets.len() <= self.is_quiet_after {
            all.drain(..self.leaving);
            let new = (0..self.leaving).map(|row| format!("new-{}-{row}", offsets.len()));
            all.extend(new);
        }
        let read = |id: String| {
            Some(GetResult {
                job: crate::providers::job_at(&scope.reference(&[&id])?, None),
                notices: Vec::new(),
            })
        };
        Ok(Page {
            may_overlap: true,
            ..Page::from_rows(cursor, i64::try_from(total).ok(), rows, read, |row| {
                row.job.reference.clone()
            })
        })
    }
}

/// Lists 250 rows. Returns the statistics, the requested offsets, and the rows that are in the list at the end
/// but were not listed.
async fn read_all(
    leaving: usize,
    is_quiet_after: usize,
    begins: Begins,
) -> (ListStats, Vec<usize>, Vec<String>) {
    let client = Unsorted {
        rows: Mutex::new(ids(0..250)),
        leaving,
        is_quiet_after,
        begins,
        offsets: Mutex::default(),
    };
    let (mut seen, options) = (Vec::new(), test_support::get_options());
    let mut on_page = |page: Page| {
        seen.extend(page.rows.into_iter().map(|found| found.job.id));
        ready(ControlFlow::Continue(()))
    };
    let filter = Filter::default();
    let listed = list_all(&client, &scope(), &filter, &options, None, &mut on_page).await;
    let mut rows = client.rows.into_inner().unwrap();
    rows.retain(|id| !seen.contains(id));
    (listed.unwrap(), client.offsets.into_inner().unwrap(), rows)
}

fn stats(rows: usize, pages: usize, truncation: Option<Truncation>) -> ListStats {
    ListStats {
        rows,
        pages,
        truncation,
    }
}

#[tokio::test]
async fn pages_of_an_unsorted_list_overlap() {
    let (listed, offsets, lost) = read_all(0, 0, Begins::Anywhere).await;
    assert_eq!(listed, stats(250, 3, None));
    assert_eq!((offsets, lost), (vec![0, 95, 190], vec![]));
}

#[tokio::test]
async fn a_row_that_leaves_an_unsorted_list_hides_no_other_row() {
    // The total is the same on each page. The next page still begins with rows of the page before.
    let (listed, offsets, lost) = read_all(1, 1, Begins::Anywhere).await;
    assert_eq!(listed, stats(251, 3, None));
    assert_eq!((offsets, lost), (vec![0, 95, 190], vec![]));
    // More rows leave than the pages overlap: the list is read again.
    let (listed, offsets, lost) = read_all(7, 1, Begins::Anywhere).await;
    assert_eq!(listed, stats(257, 6, None));
    assert_eq!(offsets, [0, 95, 190, 0, 95, 190]);
    assert_eq!(lost, Vec::<String>::new());
    let (listed, _, _) = read_all(7, 99, Begins::Anywhere).await;
    assert_eq!(listed.truncation, Some(Truncation::RowsMoved));
}

#[tokio::test]
async fn pages_do_not_overlap_if_the_cloud_rounds_or_rejects_offsets() {
    for begins in [Begins::Rounded, Begins::Rejected] {
        let (listed, offsets, lost) = read_all(0, 0, begins).await;
        assert_eq!(listed, stats(250, 3, None));
        assert_eq!((offsets, lost), (vec![0, 95, 100, 200], vec![]));
    }
}
