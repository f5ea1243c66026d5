//! States are small: a breadth-first search holds millions of them.

use contract::Dialect;
use model::protocol::{World, slices};
use model::scope::ScopeName;

#[test]
fn the_protocol_of_every_slice_fits_into_a_cache_line() {
    for scope in ScopeName::ALL {
        assert!(slices(scope, Dialect::Bits.profile()).iter().all(|slice| slice.jobs <= 3));
    }
    assert_eq!([size_of::<World<1>>(), size_of::<World<2>>(), size_of::<World<3>>()], [28, 46, 64]);
}
