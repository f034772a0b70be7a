use super::*;

#[tokio::test]
async fn a_list_that_loses_rows_while_it_is_read_is_read_again() {
    // The row 5 ends after the first page: 20 moves to the first page.
    let left: Vec<String> = ids(0..5).into_iter().chain(ids(6..40)).collect();
    let pages = [
        (ids(0..20), Some(40)),
        (ids(21..40), Some(39)),
        (left[..20].to_vec(), Some(39)),
        (left[20..].to_vec(), Some(39)),
    ];
    let (seen, listed) = listed_again(&pages, None, ALWAYS, &[0, 2]).await;
    assert_eq!(seen[2..], [vec!["20".to_owned()]]);
    let mut all = seen.concat();
    all.sort_by_key(|id| id.parse::<usize>().unwrap());
    assert_eq!(all, ids(0..40));
    assert_eq!((listed.pages, listed.rows), (4, 40));
    assert_eq!(listed.truncation, None);
}

#[tokio::test]
async fn a_list_that_goes_on_losing_rows_is_incomplete() {
    let shrinks = |total| [(ids(0..20), Some(total)), (ids(20..39), Some(total - 1))];
    let pages = [shrinks(40), shrinks(40), shrinks(40)].concat();
    let (seen, listed) = listed_again(&pages, None, ALWAYS, &[0, 2, 4]).await;
    assert_eq!(seen.concat(), ids(0..39));
    let moved = ListStats {
        rows: 39,
        pages: 6,
        truncation: Some(Truncation::RowsMoved),
    };
    assert_eq!(listed, moved);
    // A total that falls to nothing is wrong, not a list that has ended.
    let pages = [
        (ids(0..20), Some(60)),
        (ids(20..40), Some(50)),
        (ids(40..45), Some(0)),
    ];
    let pages = [pages.clone(), pages.clone(), pages].concat();
    let (_, listed) = listed_again(&pages, None, ALWAYS, &[0, 3, 6]).await;
    assert_eq!(listed.truncation, Some(Truncation::RowsMoved));
}

#[tokio::test]
async fn a_limit_counts_the_rows_of_a_list_that_is_read_again() {
    let pages = [
        (ids(0..20), Some(30)),
        (ids(21..30), Some(29)),
        (ids(1..21), Some(29)),
        (ids(21..30), Some(29)),
    ];
    let (seen, listed) = listed_again(&pages, Some(30), ALWAYS, &[0, 2]).await;
    assert_eq!(seen.concat().len(), 30);
    assert_eq!(listed.truncation, Some(Truncation::Limit(30)));
}
