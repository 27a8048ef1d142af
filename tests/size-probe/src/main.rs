//! The whole core and nothing else: a program that is linked for bare metal to be measured, never run.
//!
//! Its ports do nothing, but the compiler cannot know that, so everything that a device's driver, record, slots, verification and
//! signatures need is in it. What the core keeps in RAM stands in it as one variable of that size.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod probe;

#[cfg(not(target_os = "none"))]
fn main() {
    println!("This program is measured, not run: cargo xtask size");
}
