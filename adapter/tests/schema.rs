//! The committed schema of the protocol is that of the types. `UPDATE_SCHEMA=1` writes it again.

use std::path::Path;

#[test]
fn the_schema_is_that_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.json");
    let schema = adapter::wire::schema();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &schema).expect("the checkout can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == schema, "adapter/schema.json is old: run this test with UPDATE_SCHEMA=1");
}
