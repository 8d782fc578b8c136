//! `#[derive(FromJson)]`: a reader of a type's JSON that compiles small, and `Deserialize` by way of it.
//!
//! It reads the attributes that `#[derive(Serialize)]` reads, so that a type says its format once:
//! `rename_all = "snake_case"`, `tag = "…"`, `default` on a type or a field, `transparent`, `try_from = "…"`.
//! What else serde knows is refused when it is compiled, never ignored.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DataEnum, DeriveInput, Error, Fields, FieldsNamed, Ident, LitStr, Result, Type};

#[proc_macro_derive(FromJson, attributes(serde))]
pub fn from_json(input: TokenStream) -> TokenStream {
    derived(&syn::parse_macro_input!(input as DeriveInput))
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}

fn derived(input: &DeriveInput) -> Result<Tokens> {
    let name = &input.ident;
    let format = Format::of(&input.attrs)?;
    let body = match &input.data {
        Data::Struct(data) => of_struct(&data.fields, &format)?,
        Data::Enum(data) => of_enum(data, &format)?,
        Data::Union(_) => return Err(Error::new(name.span(), "a union has no JSON")),
    };
    Ok(quote! {
        impl crate::json::FromJson for #name {
            fn from_json(json: ::serde_json::Value) -> ::core::result::Result<Self, crate::json::Unfit> {
                #body
            }
        }

        impl<'de> ::serde::Deserialize<'de> for #name {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                crate::json::read(deserializer)
            }
        }
    })
}

/// What the `serde` attributes of a type or a field say.
#[derive(Default)]
struct Format {
    tag: Option<LitStr>,
    snake_case: bool,
    default: bool,
    try_from: Option<Type>,
}

impl Format {
    fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut format = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            attribute.parse_nested_meta(|meta| {
                let name = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
                match name.as_str() {
                    "default" if meta.input.is_empty() || meta.input.peek(syn::Token![,]) => {
                        format.default = true
                    }
                    "transparent" => {}
                    "tag" => format.tag = Some(meta.value()?.parse()?),
                    "try_from" => format.try_from = Some(meta.value()?.parse::<LitStr>()?.parse()?),
                    // Of writing alone.
                    "skip_serializing_if" => drop(meta.value()?.parse::<LitStr>()?),
                    "rename_all" if meta.value()?.parse::<LitStr>()?.value() == "snake_case" => {
                        format.snake_case = true;
                    }
                    _ => return Err(meta.error("FromJson does not read this")),
                }
                Ok(())
            })?;
        }
        Ok(format)
    }

    fn name_of(&self, variant: &Ident) -> String {
        if self.snake_case { snake_case(&variant.to_string()) } else { variant.to_string() }
    }
}

fn of_struct(fields: &Fields, format: &Format) -> Result<Tokens> {
    if let Some(from) = &format.try_from {
        return Ok(quote! {
            <Self as ::core::convert::TryFrom<#from>>::try_from(crate::json::FromJson::from_json(json)?)
                .map_err(crate::json::Unfit::because)
        });
    }
    match fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
            Ok(quote! { crate::json::FromJson::from_json(json).map(Self) })
        }
        Fields::Named(fields) if format.default => {
            let names = fields.named.iter().filter_map(|field| field.ident.as_ref());
            let keys = names.clone().map(Ident::to_string);
            Ok(quote! {
                let mut fields = crate::json::Fields::of(json)?;
                let mut read = <Self as ::core::default::Default>::default();
                #(fields.put(#keys, &mut read.#names)?;)*
                ::core::result::Result::Ok(read)
            })
        }
        Fields::Named(fields) => {
            let taken = taken(fields)?;
            Ok(quote! {
                let mut fields = crate::json::Fields::of(json)?;
                ::core::result::Result::Ok(Self { #taken })
            })
        }
        Fields::Unnamed(_) | Fields::Unit => {
            Err(Error::new(fields.span(), "FromJson takes named fields, or one"))
        }
    }
}

fn of_enum(data: &DataEnum, format: &Format) -> Result<Tokens> {
    let known: Vec<String> = data.variants.iter().map(|variant| format.name_of(&variant.ident)).collect();
    let arms = data.variants.iter().zip(&known).map(|(variant, name)| {
        let ident = &variant.ident;
        match (&variant.fields, &format.tag) {
            (Fields::Unit, _) => Ok(quote! { #name => Self::#ident, }),
            (Fields::Named(fields), Some(_)) => {
                let taken = taken(fields)?;
                Ok(quote! { #name => Self::#ident { #taken }, })
            }
            _ => Err(Error::new(ident.span(), "FromJson takes named fields behind a `tag`, or none")),
        }
    });
    let arms = arms.collect::<Result<Vec<_>>>()?;
    let read = match &format.tag {
        Some(tag) => quote! {
            let mut fields = crate::json::Fields::of(json)?;
            let tag: ::std::string::String = fields.take(#tag)?;
        },
        None => quote! { let tag: ::std::string::String = crate::json::FromJson::from_json(json)?; },
    };
    Ok(quote! {
        #read
        ::core::result::Result::Ok(match tag.as_str() {
            #(#arms)*
            _ => return ::core::result::Result::Err(crate::json::Unfit::unknown(&tag, &[#(#known),*])),
        })
    })
}

/// `field: fields.take("field")?, …`
fn taken(fields: &FieldsNamed) -> Result<Tokens> {
    let taken = fields.named.iter().map(|field| {
        let (name, key) = (&field.ident, field.ident.as_ref().map(Ident::to_string));
        Ok(if Format::of(&field.attrs)?.default {
            quote! { #name: fields.take_or_default(#key)?, }
        } else {
            quote! { #name: fields.take(#key)?, }
        })
    });
    Ok(taken.collect::<Result<Vec<_>>>()?.into_iter().collect())
}

/// As serde has it: an underscore before each capital but the first.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
