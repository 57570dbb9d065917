//! Ids of lines where a base gives them none.

use std::collections::HashMap;

/// A line of a sale is known by its product, and by which one of that product it is: `guid`, then `guid/2`. A return names only
/// `guid`, and means any of them.
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
