//! Constants and linker scripts from board.toml. Code, data and stack share the RAM, in the order of riscv-rt's regions.

use std::fmt::Write as _;

use steadfast_board_file::BoardFile;

fn main() {
    let board = BoardFile::read();
    let (ram, bytes) = (board.integer("memory", "ram_start"), board.integer("memory", "ram_bytes"));
    let mut map = format!("MEMORY {{ RAM : ORIGIN = {ram:#x}, LENGTH = {bytes:#x} }}\n");
    for region in ["TEXT", "RODATA", "DATA", "BSS", "HEAP", "STACK"] {
        writeln!(map, "REGION_ALIAS(\"REGION_{region}\", RAM);").expect("writing to a string does not fail");
    }
    board.link(&map, &["memory.x", "link.x"]);
}
