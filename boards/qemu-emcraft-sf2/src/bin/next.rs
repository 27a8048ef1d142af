//! The firmware after the present one: the same program with the next schema. Tests start the one after the other on the same flash.

#![no_std]
#![no_main]

#[path = "../main.rs"]
#[allow(unused_attributes, reason = "main.rs is a program, too")]
mod sample;
