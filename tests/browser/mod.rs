//! The virtual till in a real browser: headless Chromium, the real service on a socket, and a network between them that
//! the test can cut.

mod camera;
mod driver;
mod locks;
mod looks;
mod modules;
mod network;
mod pulled_plug;
mod selling;
mod shop;
mod till;
mod without_network;
