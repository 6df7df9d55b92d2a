//! Compiles the messages: a typed function for each, and a table that is written from.
//!
//! A message that is missing, or has other variables than it is given, does not compile. What of Fluent
//! is not needed here (functions, attributes, references to other messages) is refused by name.

#![expect(clippy::expect_used, reason = "a build that fails says why")]

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::Path};

use fluent_syntax::ast::{
    Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey,
};

/// Marks in the table; see `src/message.rs`, which reads it.
const VALUE: char = '\u{1}';
const SELECT: char = '\u{2}';
const KEY_ENDS: char = '\u{3}';
const VARIANT_ENDS: char = '\u{4}';
const SELECT_ENDS: char = '\u{5}';
const MESSAGE_ENDS: char = '\u{1e}';

/// Variables of a message in the order of their first use.
#[derive(Default)]
struct Variables(Vec<String>);

impl Variables {
    /// The letter that stands for a variable in the table.
    fn letter(&mut self, name: &str) -> char {
        let name = name.replace('-', "_");
        let at = self.0.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.0.push(name);
            self.0.len() - 1
        });
        char::from(b'a' + u8::try_from(at).unwrap_or(u8::MAX))
    }
}

fn inline(expression: &InlineExpression<&str>, variables: &mut Variables, table: &mut String) {
    match expression {
        InlineExpression::StringLiteral { value } | InlineExpression::NumberLiteral { value } => {
            table.push_str(value);
        }
        InlineExpression::VariableReference { id } => {
            let letter = variables.letter(id.name);
            table.extend([VALUE, letter]);
        }
        InlineExpression::Placeable { expression } => place(expression, variables, table),
        other => panic!("not used in these messages: {other:?}"),
    }
}

fn place(expression: &Expression<&str>, variables: &mut Variables, table: &mut String) {
    let (selector, variants) = match expression {
        Expression::Inline(expression) => return inline(expression, variables, table),
        Expression::Select { selector, variants } => (selector, variants),
    };
    let InlineExpression::VariableReference { id } = selector else {
        panic!("only a variable selects: {selector:?}");
    };
    let letter = variables.letter(id.name);
    table.extend([SELECT, letter]);
    // The default comes first.
    let (default, others): (Vec<_>, Vec<_>) = variants.iter().partition(|variant| variant.default);
    for variant in default.into_iter().chain(others) {
        match &variant.key {
            VariantKey::Identifier { name } => table.push_str(name),
            VariantKey::NumberLiteral { value } => table.push_str(value),
        }
        table.push(KEY_ENDS);
        pattern(&variant.value, variables, table);
        table.push(VARIANT_ENDS);
    }
    table.push(SELECT_ENDS);
}

fn pattern(pattern: &Pattern<&str>, variables: &mut Variables, table: &mut String) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => table.push_str(value),
            PatternElement::Placeable { expression } => place(expression, variables, table),
        }
    }
}

fn main() {
    let source = "messages/en.ftl";
    println!("cargo::rerun-if-changed={source}");
    let text = fs::read_to_string(source).expect("the messages are there");
    let resource = fluent_syntax::parser::parse(text.as_str())
        .unwrap_or_else(|(_, errors)| panic!("{source}: {errors:?}"));
    let (mut functions, mut table) = (String::new(), String::new());
    let mut names = BTreeSet::new();
    let mut number = 0;
    for entry in &resource.body {
        let Entry::Message(message) = entry else { continue };
        let value = message.value.as_ref().expect("a message has a text");
        assert!(message.attributes.is_empty(), "{}: attributes are not used", message.id.name);
        let name = message.id.name.replace('-', "_");
        assert!(names.insert(name.clone()), "{name} is there twice");
        let mut variables = Variables::default();
        let begin = table.len();
        pattern(value, &mut variables, &mut table);
        let english = table[begin..].replace(|mark: char| mark.is_control(), " ");
        table.push(MESSAGE_ENDS);
        let parameters: Vec<_> =
            variables.0.iter().map(|name| format!("{name}: impl Into<Value>")).collect();
        let values: Vec<_> = variables.0.iter().map(|name| format!("{name}.into()")).collect();
        let _ = writeln!(
            functions,
            "/// `{english}`\npub fn {name}({}) -> Message {{ Message::new({number}, vec![{}]) }}",
            parameters.join(", "),
            values.join(", ")
        );
        number += 1;
    }
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let out = Path::new(&out);
    fs::write(out.join("say.rs"), functions).expect("cargo's folder can be written");
    fs::write(out.join("en.txt"), table).expect("cargo's folder can be written");
}
