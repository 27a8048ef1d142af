//! Constants and linker scripts from board.toml. Code runs from the chip's own flash; data and stack lie in its SRAM.

use steadfast_board_file::BoardFile;

fn main() {
    let board = BoardFile::read();
    let number = |key| board.integer("memory", key);
    let (code, code_bytes) = (number("code_start"), number("code_bytes"));
    let (ram, ram_bytes) = (number("ram_start"), number("ram_bytes"));
    let flash = format!("FLASH : ORIGIN = {code:#x}, LENGTH = {code_bytes:#x}");
    let ram = format!("RAM : ORIGIN = {ram:#x}, LENGTH = {ram_bytes:#x}");
    // cortex-m-rt's script takes in the memory map by itself.
    board.link(&format!("MEMORY {{\n  {flash}\n  {ram}\n}}\n"), &["link.x"]);
}
