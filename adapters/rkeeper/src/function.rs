//! The functions that `ExtDLLHTTP` forwards, and the paths they come on.

use crate::settings::Paths;

/// A function of the external DLL (vendor's «Extdll6» text, «HTTP protocol for FarCards»).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// Who is this card, and what may it do?
    GetCardInfoEx,
    /// Apply these money movements of a receipt.
    TransactionsEx,
    /// Which card belongs to this text?
    FindEmail,
    /// The picture of a card's holder.
    GetCardImageEx,
    /// A notice of the DLL that its licence is in trouble.
    LicenseInfo,
    /// A path that none of the settings names.
    Unknown,
}

impl Function {
    /// The function of a path. Only its last segment counts, in any case and with or without `.php`: the vendor's
    /// sample ini names `getcardinfoex.php`, and installers type what they like.
    pub(crate) fn of_path(path: &str, paths: &Paths) -> Function {
        let name = bare_name(path);
        [
            (&paths.get_card_info_ex, Function::GetCardInfoEx),
            (&paths.transactions_ex, Function::TransactionsEx),
            (&paths.find_email, Function::FindEmail),
            (&paths.get_card_image_ex, Function::GetCardImageEx),
            (&paths.license_info, Function::LicenseInfo),
        ]
        .into_iter()
        .find(|(path, _)| bare_name(path) == name)
        .map_or(Function::Unknown, |(_, function)| function)
    }

    /// The element that answers the function.
    pub(crate) fn answer_element(self) -> &'static str {
        match self {
            Function::GetCardInfoEx => "GetCardInfoEx",
            Function::TransactionsEx => "TransactionsEx",
            Function::FindEmail => "FindEmail",
            Function::GetCardImageEx => "GetCardImageEx",
            Function::LicenseInfo => "LicenseInfo",
            Function::Unknown => "Error",
        }
    }
}

fn bare_name(path: &str) -> String {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let lower = last.to_ascii_lowercase();
    lower.strip_suffix(".php").unwrap_or(&lower).to_owned()
}
