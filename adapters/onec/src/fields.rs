//! Fields of a JSON document written by 1C code, read as their writers mean them.
//!
//! Empty means absent in 1C in many ways, and all are taken as absent: no key, `null` (`Неопределено`), an empty
//! string, the zero GUID (an empty reference), the year 0001 (an empty date). Keys that nobody knows are left alone.

use chrono::{DateTime, FixedOffset};
use kopilka_contract::{AmountError, Money, Quantity, Settings};
use serde_json::Value;

use crate::fault::{Fault, Problem};
use crate::{dates, numbers};

/// An empty reference of 1C.
pub(crate) const ZERO_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// Whether a text is a GUID: 36 characters of hexadecimal digits and dashes.
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A place in a document, whether or not there is anything.
#[derive(Debug, Clone)]
pub(crate) struct Field<'a> {
    value: Option<&'a Value>,
    pointer: String,
}

impl<'a> Field<'a> {
    /// The document itself.
    pub(crate) fn document(value: &'a Value) -> Self {
        Field {
            value: Some(value),
            pointer: String::new(),
        }
    }

    /// A member. Anything but an object has none.
    pub(crate) fn get(&self, key: &str) -> Field<'a> {
        Field {
            value: self.value.and_then(|value| value.get(key)),
            pointer: format!("{}/{key}", self.pointer),
        }
    }

    /// The object here, or a fault.
    pub(crate) fn object(self) -> Result<Self, Fault> {
        match self.value {
            Some(Value::Object(_)) => Ok(self),
            _ => Err(self.fault(Problem::NotAnObject)),
        }
    }

    /// The items of a list; of an absent one, none.
    pub(crate) fn items(&self) -> Result<Vec<Field<'a>>, Fault> {
        match self.value {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, item)| Field {
                    value: Some(item),
                    pointer: format!("{}/{index}", self.pointer),
                })
                .collect()),
            Some(_) => Err(self.fault(Problem::NotAList)),
        }
    }

    /// A text, or a whole number as text: ids are one or the other, as the configuration has it.
    pub(crate) fn text(&self) -> Result<Option<String>, Fault> {
        match self.value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => match text.trim() {
                "" | ZERO_GUID => Ok(None),
                text => Ok(Some(text.to_owned())),
            },
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(Some(number.to_string())),
            Some(_) => Err(self.fault(Problem::NotAText)),
        }
    }

    /// A text for people only: of an object its `name`, and nothing rather than a fault.
    pub(crate) fn label(&self) -> Option<String> {
        match self.value {
            Some(Value::Object(_)) => self
                .get("name")
                .label()
                .or_else(|| self.get("id").text().unwrap_or_default()),
            _ => self.text().unwrap_or_default(),
        }
    }

    /// An amount of money, zero or more.
    pub(crate) fn money(&self) -> Result<Option<Money>, Fault> {
        let amount = match self.value {
            Some(Value::Number(number)) => numbers::json_money(number).map(Some),
            _ => self.number_text(numbers::money),
        };
        match amount.map_err(|error| self.fault(error.into()))? {
            Some(amount) if amount < Money::ZERO => Err(self.fault(Problem::Negative)),
            amount => Ok(amount),
        }
    }

    /// A quantity above zero.
    pub(crate) fn quantity(&self) -> Result<Option<Quantity>, Fault> {
        match self.any_quantity()? {
            Some(quantity) if quantity <= Quantity::ZERO => Err(self.fault(Problem::NotPositive)),
            quantity => Ok(quantity),
        }
    }

    /// A quantity above zero; nought is as good as absent: a row that was struck out.
    pub(crate) fn quantity_if_any(&self) -> Result<Option<Quantity>, Fault> {
        match self.any_quantity()? {
            Some(quantity) if quantity < Quantity::ZERO => Err(self.fault(Problem::Negative)),
            quantity => Ok(quantity.filter(|quantity| *quantity > Quantity::ZERO)),
        }
    }

    fn any_quantity(&self) -> Result<Option<Quantity>, Fault> {
        let quantity = match self.value {
            Some(Value::Number(number)) => numbers::json_quantity(number).map(Some),
            _ => self.number_text(numbers::quantity),
        };
        quantity.map_err(|error| self.fault(error.into()))
    }

    fn number_text<T>(
        &self,
        read: impl FnOnce(&str) -> Result<T, AmountError>,
    ) -> Result<Option<T>, AmountError> {
        match self.value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(Value::String(text)) => read(text).map(Some),
            Some(_) => Err(AmountError::NotANumber),
        }
    }

    /// A moment; without a zone it is one of the shop's.
    pub(crate) fn instant(&self, settings: &Settings) -> Result<Option<DateTime<FixedOffset>>, Fault> {
        match self.text()? {
            None => Ok(None),
            Some(text) => dates::instant(&text, settings).map_err(|_| self.fault(Problem::NotADate)),
        }
    }

    /// Whether it is said to be so: `true`, or a 1 in any form.
    pub(crate) fn flag(&self) -> bool {
        match self.value {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => matches!(text.trim(), "1" | "true"),
            Some(Value::Number(number)) => number.as_u64() == Some(1),
            _ => false,
        }
    }

    /// Whether it is said not to be so.
    pub(crate) fn denied(&self) -> bool {
        match self.value {
            Some(Value::Bool(flag)) => !flag,
            Some(Value::String(text)) => matches!(text.trim(), "0" | "false"),
            Some(Value::Number(number)) => number.as_u64() == Some(0),
            _ => false,
        }
    }

    /// A fault where there is nothing at all, not even an empty value.
    pub(crate) fn present(&self) -> Result<(), Fault> {
        self.required(self.value.map(drop))
    }

    /// What was read here, or the fault that there is nothing.
    pub(crate) fn required<T>(&self, read: Option<T>) -> Result<T, Fault> {
        read.ok_or_else(|| self.fault(Problem::Missing))
    }

    /// A fault of this field.
    pub(crate) fn fault(&self, problem: Problem) -> Fault {
        Fault {
            pointer: self.pointer.clone(),
            problem,
        }
    }
}

impl From<AmountError> for Problem {
    fn from(error: AmountError) -> Self {
        match error {
            AmountError::TooLarge => Problem::TooLarge,
            AmountError::NotANumber | AmountError::TooPrecise => Problem::NotANumber,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_emptiness_is_absence() {
        let document = json!({"null": null, "blank": " \u{a0}", "reference": ZERO_GUID});
        let document = Field::document(&document);
        for key in ["null", "blank", "reference", "nowhere"] {
            assert_eq!(document.get(key).text(), Ok(None), "{key}");
            assert_eq!(document.get(key).get("name").text(), Ok(None), "{key}");
        }
        for key in ["null", "blank", "nowhere"] {
            assert_eq!(document.get(key).money(), Ok(None), "{key}");
            assert_eq!(document.get(key).items().unwrap().len(), 0, "{key}");
        }
    }

    #[test]
    fn leading_zeros_of_a_text_stay_and_a_whole_number_is_a_text_too() {
        let document = json!({"card": "0000123", "line": 2, "part": 2.5});
        let document = Field::document(&document);
        assert_eq!(document.get("card").text(), Ok(Some("0000123".to_owned())));
        assert_eq!(document.get("line").text(), Ok(Some("2".to_owned())));
        assert!(document.get("part").text().is_err());
    }

    #[test]
    fn a_fault_points_at_its_field() {
        let document = json!({"lines": [{"amount": 1}, {"amount": "один"}]});
        let lines = Field::document(&document).get("lines").items().unwrap();
        let fault = lines[1].get("amount").money().unwrap_err();
        assert_eq!(
            fault,
            Fault {
                pointer: "/lines/1/amount".to_owned(),
                problem: Problem::NotANumber,
            }
        );
    }

    #[test]
    fn a_label_is_taken_from_an_object_too_and_never_fails() {
        let document =
            json!({"cashier": {"id": "7", "name": "Орлова Н."}, "register": {"id": "7"}, "odd": [1]});
        let document = Field::document(&document);
        assert_eq!(document.get("cashier").label().as_deref(), Some("Орлова Н."));
        assert_eq!(document.get("register").label().as_deref(), Some("7"));
        assert_eq!(document.get("odd").label(), None);
    }
}
