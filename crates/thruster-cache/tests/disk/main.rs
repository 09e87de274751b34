//! The disk tier, on real folders: what is kept, found again, and never believed. One file a topic.

mod damage;
mod full;
mod killed;
mod model;
mod owners;
mod purging;
mod restarts;
mod room;
mod round_trip;
mod streams;
mod words;
