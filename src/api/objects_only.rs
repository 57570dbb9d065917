//! Reading JSON with objects where objects are meant. serde takes a list for a structure as well, its fields by their
//! place: a client that sends one would get whatever a later version's order of fields makes of it.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Unexpected, Visitor,
};

/// A deserializer, or what it hands its value to, that takes no list for a structure. It looks into everything but what
/// enums hold.
pub struct ObjectsOnly<D>(pub D);

/// A visitor of a value: of a structure where `structure` says so.
struct Visiting<V> {
    visitor: V,
    structure: bool,
}

fn of_any<V>(visitor: V) -> Visiting<V> {
    Visiting {
        visitor,
        structure: false,
    }
}

/// Methods that can meet no structure, and those that can inside.
macro_rules! pass_on {
    ($($plain:ident)*; $($inside:ident)*) => {
        $(fn $plain<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$plain(visitor)
        })*
        $(fn $inside<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$inside(of_any(visitor))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ObjectsOnly<D> {
    type Error = D::Error;

    pass_on! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_unit deserialize_identifier deserialize_ignored_any;
        deserialize_any deserialize_option deserialize_seq deserialize_map
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visiting = Visiting {
            visitor,
            structure: true,
        };
        self.0.deserialize_struct(name, fields, visiting)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, of_any(visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(length, of_any(visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple_struct(name, length, of_any(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, of_any(visitor))
    }
}

macro_rules! visit {
    ($($method:ident $kind:ty),*) => {
        $(fn $method<E: Error>(self, value: $kind) -> Result<V::Value, E> {
            self.visitor.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Visiting<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(formatter)
    }

    visit! {
        visit_bool bool, visit_i64 i64, visit_i128 i128, visit_u64 u64, visit_u128 u128, visit_f64 f64,
        visit_str &str, visit_borrowed_str &'de str, visit_string String
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(ObjectsOnly(value))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(ObjectsOnly(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        if self.structure {
            return Err(Error::invalid_type(Unexpected::Seq, &"an object"));
        }
        self.visitor.visit_seq(ObjectsOnly(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(ObjectsOnly(fields))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_enum(variant)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for ObjectsOnly<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(ObjectsOnly(value))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for ObjectsOnly<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(ObjectsOnly(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for ObjectsOnly<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(ObjectsOnly(seed))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Line {
        amount: i64,
        #[serde(default)]
        note: Option<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Receipt {
        lines: Vec<Line>,
        first: Option<Line>,
        named: BTreeMap<String, Line>,
        pair: (i64, f64),
        flag: bool,
    }

    fn read(text: &str) -> Result<Receipt, serde_json::Error> {
        let mut source = serde_json::Deserializer::from_str(text);
        Receipt::deserialize(ObjectsOnly(&mut source))
    }

    #[test]
    fn a_list_is_no_structure_at_any_depth() {
        let right = r#"{"lines":[{"amount":1,"note":"x"}],"first":{"amount":2},"named":{"a":{"amount":3}},
            "pair":[4,5.5],"flag":true}"#;
        let receipt = read(right).unwrap();
        assert_eq!(receipt.lines[0].note.as_deref(), Some("x"));
        assert_eq!((receipt.pair, receipt.named["a"].amount), ((4, 5.5), 3));
        for (object, list) in [
            (r#"{"amount":1,"note":"x"}"#, r#"[1,"x"]"#),
            (r#"{"amount":2}"#, "[2]"),
            (r#"{"amount":3}"#, "[3]"),
        ] {
            let wrong = right.replace(object, list);
            // serde alone takes it.
            assert!(serde_json::from_str::<Receipt>(&wrong).is_ok());
            let error = read(&wrong).unwrap_err().to_string();
            assert!(
                error.contains("invalid type: sequence, expected an object"),
                "{error}"
            );
        }
        let error = read(r#"[[], null, {}, [4, 5.5], true]"#).unwrap_err().to_string();
        assert!(error.contains("expected an object"), "{error}");
        assert!(read(&right.replace(r#""flag":true"#, r#""flag":1"#)).is_err());
    }
}
