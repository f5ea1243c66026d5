//! The committed schema is that of the code. After a change of the format: `UPDATE_SCHEMA=1 cargo test -p contract
//! --features judge --test trace schema`.

use judge::Trace;

#[test]
fn the_committed_schema_is_the_codes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/trace-v1.schema.json");
    let mut schema = serde_json::to_string_pretty(&Trace::schema()).expect("a schema is JSON");
    schema.push('\n');
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &schema).expect("the schema can be written");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(committed, schema, "the format changed: see this file's comment");
}
