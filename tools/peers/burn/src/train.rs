use crate::data::Data;
use crate::Job;
use burn::backend::wgpu::{graphics, init_setup, WgpuDevice};
use burn::backend::{Autodiff, Vulkan};
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig, Relu};
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::{Adam, AdamConfig, GradientsParams, Optimizer};
use burn::tensor::backend::Backend;
use burn::tensor::{Distribution, Int, Tensor, TensorData};
use std::rc::Rc;

type Gpu = Vulkan<f32, i32>;
type Train = Autodiff<Gpu>;

/// Starts burn on Vulkan, and returns the name of the device.
pub fn start() -> String {
    let setup = init_setup::<graphics::Vulkan>(&WgpuDevice::default(), Default::default());
    setup.adapter.get_info().name
}

#[derive(Module, Debug)]
enum Layer<B: Backend> {
    Dense(Linear<B>),
    Relu(Relu),
    Dropout(Dropout),
}

/// A layer on images, channels first.
#[derive(Module, Debug)]
enum ImageLayer<B: Backend> {
    Conv(Conv2d<B>),
    Relu(Relu),
    Pool(MaxPool2d),
}

#[derive(Module, Debug)]
struct Model<B: Backend> {
    shape: [usize; 3], // channels, rows, columns of the images, where there are layers on such
    images: Vec<ImageLayer<B>>,
    layers: Vec<Layer<B>>,
}

impl<B: Backend> Model<B> {
    /// From the short form, as "784 dense:64:relu dropout:0.2 dense:10".
    fn new(text: &str, device: &B::Device) -> Self {
        let mut words = text.split_whitespace();
        let input: Vec<usize> = words.next().unwrap().split('x').map(|size| size.parse().unwrap()).collect();
        let shape = if let [rows, columns, channels] = input[..] {
            [channels, rows, columns]
        } else {
            [0; 3]
        };
        let (mut image, mut width) = (shape, input.iter().product());
        let (mut images, mut layers) = (Vec::new(), Vec::new());
        for word in words {
            let parts: Vec<&str> = word.split(':').collect();
            match parts[..] {
                ["dropout", rate] => layers.push(Layer::Dropout(DropoutConfig::new(rate.parse().unwrap()).init())),
                ["dense", units] | ["dense", units, "relu"] => {
                    let units = units.parse().unwrap();
                    layers.push(Layer::Dense(LinearConfig::new(width, units).init(device)));
                    if parts.len() == 3 {
                        layers.push(Layer::Relu(Relu::new()));
                    }
                    width = units;
                }
                ["conv2d", filters, size, "relu"] => {
                    let (filters, size): (usize, usize) = (filters.parse().unwrap(), size.parse().unwrap());
                    images.push(ImageLayer::Conv(
                        Conv2dConfig::new([image[0], filters], [size, size]).init(device),
                    ));
                    images.push(ImageLayer::Relu(Relu::new()));
                    image = [filters, image[1] + 1 - size, image[2] + 1 - size];
                }
                ["maxpool2d", size] => {
                    let size: usize = size.parse().unwrap();
                    images.push(ImageLayer::Pool(
                        MaxPool2dConfig::new([size, size]).with_strides([size, size]).init(),
                    ));
                    image = [image[0], image[1] / size, image[2] / size];
                }
                ["flatten"] => width = image.iter().product(),
                _ => panic!("{word}: not a layer that this program knows"),
            }
        }
        Model { shape, images, layers }
    }

    fn forward(&self, mut x: Tensor<B, 2>) -> Tensor<B, 2> {
        if !self.images.is_empty() {
            let [channels, rows, columns] = self.shape;
            let rows_of_batch = x.dims()[0];
            let image = x.reshape([rows_of_batch, channels, rows, columns]);
            let image = self.images.iter().fold(image, |image, layer| match layer {
                ImageLayer::Conv(conv) => conv.forward(image),
                ImageLayer::Relu(relu) => relu.forward(image),
                ImageLayer::Pool(pool) => pool.forward(image),
            });
            x = image.flatten(1, 3);
        }
        self.layers.iter().fold(x, |x, layer| match layer {
            Layer::Dense(dense) => dense.forward(x),
            Layer::Relu(relu) => relu.forward(x),
            Layer::Dropout(dropout) => dropout.forward(x),
        })
    }
}

pub struct Training {
    model: Option<Model<Train>>,
    optimizer: OptimizerAdaptor<Adam, Model<Train>, Train>,
    loss: CrossEntropyLoss<Train>,
    data: Rc<Data>,
    order: Vec<usize>,
    next: usize,
    batch_size: usize,
    random: u64,
}

impl Training {
    pub fn new(layers: &str, batch_size: usize, data: Rc<Data>) -> Self {
        let device = WgpuDevice::default();
        let rows = data.y.len();
        Training {
            model: Some(Model::new(layers, &device)),
            optimizer: AdamConfig::new().with_epsilon(1e-7).init(),
            loss: CrossEntropyLossConfig::new().init(&device),
            data,
            order: (0..rows).collect(),
            next: rows,
            batch_size,
            random: 1,
        }
    }

    fn shuffle(&mut self) {
        for i in (1..self.order.len()).rev() {
            self.random = self
                .random
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            self.order.swap(i, ((self.random >> 33) % (i as u64 + 1)) as usize);
        }
        self.next = 0;
    }

    /// Gathered on the host, as burn's examples do it; all images as float32 may exceed what the device grants a buffer.
    /// Whole batches only; the rest of an epoch is left out, so that there is one shape.
    fn batch(&mut self) -> (Tensor<Train, 2>, Tensor<Train, 1, Int>) {
        if self.next + self.batch_size > self.order.len() {
            self.shuffle();
        }
        let rows = &self.order[self.next..self.next + self.batch_size];
        self.next += self.batch_size;
        let mut x = Vec::with_capacity(rows.len() * 784);
        for row in rows {
            x.extend_from_slice(&self.data.x[row * 784..(row + 1) * 784]);
        }
        let y: Vec<i32> = rows.iter().map(|row| self.data.y[*row]).collect();
        let device = WgpuDevice::default();
        let count = rows.len();
        (
            Tensor::from_data(TensorData::new(x, [count, 784]), &device),
            Tensor::from_data(TensorData::new(y, [count]), &device),
        )
    }

    fn step(&mut self) -> Tensor<Train, 1> {
        let (x, y) = self.batch();
        let model = self.model.take().unwrap();
        let loss = self.loss.forward(model.forward(x), y);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        self.model = Some(self.optimizer.step(1e-3, model, gradients));
        loss
    }
}

impl Job for Training {
    fn run(&mut self, steps: usize) -> f32 {
        let mut loss = self.step();
        for _ in 1..steps {
            loss = self.step();
        }
        let value = loss.into_scalar();
        Gpu::sync(&WgpuDevice::default()).expect("the device runs all steps");
        value
    }

    fn work(&self) -> f64 {
        self.batch_size as f64
    }
}

pub struct Matmul {
    a: Tensor<Gpu, 2>,
    c: Tensor<Gpu, 2>,
    size: usize,
}

impl Matmul {
    pub fn new(size: usize) -> Self {
        let device = WgpuDevice::default();
        // Of this range, products keep their size however often they are multiplied again.
        let range = (3.0 / size as f64).sqrt();
        let a = Tensor::random([size, size], Distribution::Uniform(-range, range), &device);
        Matmul { c: a.clone(), a, size }
    }
}

impl Job for Matmul {
    fn run(&mut self, steps: usize) -> f32 {
        for _ in 0..steps {
            self.c = self.a.clone().matmul(self.c.clone());
        }
        let value = self.c.clone().slice([0..1, 0..1]).into_scalar();
        assert!(value.is_finite() && value != 0.0, "the product is {value}");
        value
    }

    fn work(&self) -> f64 {
        2.0 * (self.size as f64).powi(3)
    }
}
