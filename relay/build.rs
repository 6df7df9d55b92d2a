//! Embeds the built page: `../dist`, made by `cargo xtask build`. Files that end in `.br` are the
//! brotli form of the file with the same name without `.br`.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn main() {
    let dist = PathBuf::from("../dist");
    println!("cargo::rerun-if-changed=../dist");
    let mut files = Vec::new();
    collect(&dist, &mut files);
    files.sort();
    let mut code = String::from("&[\n");
    for file in files.iter().filter(|file| file.extension().is_none_or(|end| end != "br")) {
        let Ok(path) = file.strip_prefix(&dist) else {
            continue;
        };
        let brotli = PathBuf::from(format!("{}.br", file.display()));
        let brotli = if brotli.exists() {
            format!("Some(include_bytes!({}))", absolute(&brotli))
        } else {
            "None".into()
        };
        let path = path.to_string_lossy().replace('\\', "/");
        let absolute = absolute(file);
        let _ = writeln!(
            code,
            "Embedded {{ path: {path:?}, bytes: include_bytes!({absolute}), brotli: {brotli} }},"
        );
    }
    code.push(']');
    let out = env::var("OUT_DIR").unwrap_or_default();
    if let Err(error) = fs::write(Path::new(&out).join("page.rs"), code) {
        println!("cargo::error=cannot write the list of the page's files: {error}");
    }
}

/// A path as a string literal of Rust code.
fn absolute(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    format!("{:?}", path.to_string_lossy())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
