//! Fashion-MNIST's training set, from its four gzip files' folder.

use flate2::read::GzDecoder;
use std::fs::File;
use std::io::Read;
use std::path::Path;

pub struct Data {
    pub x: Vec<f32>,
    pub y: Vec<i32>,
}

fn unpack(folder: &str, name: &str, header: usize) -> Vec<u8> {
    let path = Path::new(folder).join(name);
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    bytes.split_off(header)
}

impl Data {
    pub fn read(folder: &str) -> Self {
        let x = unpack(folder, "train-images-idx3-ubyte.gz", 16);
        let y = unpack(folder, "train-labels-idx1-ubyte.gz", 8);
        assert_eq!(x.len(), y.len() * 784, "images and labels differ in number");
        Data {
            x: x.into_iter().map(|v| v as f32 / 255.0).collect(),
            y: y.into_iter().map(|v| v as i32).collect(),
        }
    }
}
