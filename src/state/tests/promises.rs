//! The memory provider keeps the promises of the trait.

use crate::state::conformance as suite;
use crate::state::fixture::Fixture;

macro_rules! promises {
    ($($promise:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $promise() {
            suite::$promise(&Fixture::plain(10)).await.unwrap();
        }
    )*};
}

promises!(
    found_rows_keep_the_order_of_their_keys,
    a_later_value_replaces_an_earlier_one,
    removed_rows_are_gone,
    eviction_gives_back_what_it_removes,
    a_scan_stands_changes_of_rows_it_gave,
    a_committed_version_survives,
    an_abort_undoes_everything,
    an_opening_is_shared_until_it_ends,
    columns_that_do_not_fit_are_refused,
);
