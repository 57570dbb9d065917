//! Ids of lines where a base gives them none.

use std::collections::HashMap;

/// A line is known by its product, and by which one of that product it is: `guid`, then `guid/2`. A sale and its return count
/// alike, so they meet.
#[derive(Debug, Default)]
pub(crate) struct LineKeys(HashMap<String, u32>);

impl LineKeys {
    /// The id of the next line with this product.
    pub(crate) fn next(&mut self, product: &str) -> String {
        let times = self.0.entry(product.to_owned()).or_default();
        *times += 1;
        match *times {
            1 => product.to_owned(),
            more => format!("{product}/{more}"),
        }
    }
}
