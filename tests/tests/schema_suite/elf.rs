//! From a program to a fleet repository: this very test carries its sample's schema, as a firmware does.

use std::path::Path;
use std::{env, fs};

use steadfast::schema::{self, Added, ElfError, FileError, StoreError, extract};
use steadfast_core::config::Configuration;

use crate::sample::{DESCRIPTION, Firmware};

fn this_program() -> Vec<u8> {
    fs::read(env::current_exe().unwrap()).unwrap()
}

#[test]
fn a_program_carries_its_schema() {
    assert_eq!(extract(&this_program()).unwrap(), DESCRIPTION);
}

#[test]
fn a_program_without_schema_says_what_is_missing() {
    // The same program, its section renamed.
    let mut program = this_program();
    let name = b".steadfast.schema\0";
    let at = program.windows(name.len()).rposition(|window| window == name).unwrap();
    program[at + 1] = b'x';
    let error = extract(&program).unwrap_err();
    assert_eq!(error, ElfError::NoSection);
    assert!(error.to_string().contains("export_schema!"), "{error}");
}

#[test]
fn adding_a_schema_twice_is_the_same_file() {
    let fleet = tempfile::tempdir().unwrap();
    let schema = schema::load(&env::current_exe().unwrap()).unwrap();
    let path = fleet.path().join(format!("schemas/sensor-2/{}.schema", Firmware::SCHEMA_ID.prefix()));
    assert_eq!(schema::add(fleet.path(), "sensor-2", &schema).unwrap(), Added::New(path.clone()));
    assert_eq!(schema::add(fleet.path(), "sensor-2", &schema).unwrap(), Added::Unchanged(path.clone()));
    assert_eq!(fs::read(&path).unwrap(), DESCRIPTION);

    fs::write(fleet.path().join("schemas/sensor-2/README.md"), "Not a schema.").unwrap();
    let stored = schema::list(fleet.path()).unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!((stored[0].model.as_str(), stored[0].schema.id), ("sensor-2", Firmware::SCHEMA_ID));
}

#[test]
fn only_prose_replaces_a_file() {
    let fleet = tempfile::tempdir().unwrap();
    let mut schema = schema::load(&env::current_exe().unwrap()).unwrap();
    schema::add(fleet.path(), "m", &schema).unwrap();
    schema.sections[0].doc = "Better words.".into();
    assert!(matches!(schema::add(fleet.path(), "m", &schema), Ok(Added::Redocumented(_))));
}

#[test]
fn a_renamed_or_edited_file_is_refused() {
    let error = schema::from_file("0123456789abcdef.schema", &DESCRIPTION).unwrap_err();
    assert!(matches!(error, FileError::Name { .. }), "{error}");
    let mut edited = DESCRIPTION;
    let at = edited.windows(2).position(|window| window == b"ms").unwrap();
    edited[at] = b'k';
    let name = format!("{}.schema", Firmware::SCHEMA_ID.prefix());
    assert!(schema::from_file(&name, &DESCRIPTION).is_ok());
    assert!(matches!(schema::from_file(&name, &edited), Err(FileError::Name { .. })));
}

#[test]
fn no_model_leaves_the_folder() {
    let schema = schema::load(&env::current_exe().unwrap()).unwrap();
    for model in ["", ".", "..", "../x", "a/b", ".hidden", "a b"] {
        let error = schema::place(Path::new("."), model, &schema).unwrap_err();
        assert!(matches!(error, StoreError::Model { .. }), "{model}");
    }
}

#[test]
fn errors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firmware.bin");
    assert!(schema::load(&path).unwrap_err().to_string().contains("firmware.bin"));
    fs::write(&path, b"\xff\xff\xff\xff").unwrap();
    let error = schema::load(&path).unwrap_err().to_string();
    assert!(error.contains("firmware.bin") && error.contains("neither an ELF file"), "{error}");
}
