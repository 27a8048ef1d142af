//! Writes docs/spec/vectors. `cargo xtask vectors` runs it, after a format has got a new version.

use std::fs;

use steadfast_tests::vectors::{all, folder};

fn main() -> std::io::Result<()> {
    fs::create_dir_all(folder())?;
    for book in all() {
        fs::write(book.path(), book.text())?;
        println!("{:>4} vectors in {}.json", book.vectors.len(), book.name);
    }
    Ok(())
}
