//! Where the forward pass runs: on the CPU with our own network, or on a GPU
//! with tensors. Whoever schedules passes sees one interface. Must not know
//! what the passes are for.

#[cfg(any(test, feature = "cuda"))]
use super::accelerated::AcceleratedNetwork;
use super::error::DecoderError;
use super::model_file::ModelFile;
use super::network::{Cache, Network, Segment};
use super::shape::Shape;
use super::{CacheRoom, LoadOptions};
use satchel_types::DeviceChoice;

/// A loaded network, with the keys and values of what it has read.
pub(super) enum Backend {
    Cpu {
        network: Box<Network>,
        cache: Cache,
    },
    #[cfg(any(test, feature = "cuda"))]
    Accelerated(Box<AcceleratedNetwork>),
}

/// What a model runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// As people know it: `CPU`, or the name of a GPU.
    pub device: String,
    /// Why it is not the GPU that was asked for, or that could have been.
    pub note: Option<String>,
}

impl Backend {
    /// Loads a network where `options` want it, or else onto the CPU.
    pub(super) fn load(
        file: &ModelFile,
        shape: Shape,
        room: CacheRoom,
        options: &LoadOptions,
    ) -> Result<(Self, Placement), DecoderError> {
        let note = match options.device {
            DeviceChoice::Cpu => None,
            DeviceChoice::Auto | DeviceChoice::Cuda => {
                match Self::on_gpu(file, shape.clone(), room) {
                    Ok(loaded) => return Ok(loaded),
                    Err(reason) => Some(reason),
                }
            }
        };
        if let Some(reason) = &note {
            match options.device {
                DeviceChoice::Cuda => {
                    tracing::warn!(%reason, "the chat model runs on the CPU, although CUDA was asked for");
                }
                _ => tracing::info!(%reason, "the chat model runs on the CPU"),
            }
        }
        let cache = Cache::new(&shape, options.kv_cache, room.tokens);
        let network = Network::load(file, shape, room.context, options.threads)?;
        let backend = Self::Cpu {
            network: Box::new(network),
            cache,
        };
        let device = "CPU".to_owned();
        Ok((backend, Placement { device, note }))
    }

    /// Loads a network onto the first GPU, or says why not.
    #[cfg(feature = "cuda")]
    fn on_gpu(
        file: &ModelFile,
        shape: Shape,
        room: CacheRoom,
    ) -> Result<(Self, Placement), String> {
        use super::accelerated::{Precision, open_gpu};
        let (device, name) = open_gpu()?;
        let network = AcceleratedNetwork::load(file, shape, room, &device, Precision::AsStored)
            .map_err(|reason| format!("the model cannot be loaded onto {name}: {reason}"))?;
        let device = format!("{name} (CUDA)");
        let placement = Placement { device, note: None };
        Ok((Self::Accelerated(Box::new(network)), placement))
    }

    #[cfg(not(feature = "cuda"))]
    fn on_gpu(
        _file: &ModelFile,
        _shape: Shape,
        _room: CacheRoom,
    ) -> Result<(Self, Placement), String> {
        Err("this satchel was built without the feature `cuda`".to_owned())
    }

    /// What the network looks like.
    pub(super) fn shape(&self) -> &Shape {
        match self {
            Self::Cpu { network, .. } => network.shape(),
            #[cfg(any(test, feature = "cuda"))]
            Self::Accelerated(network) => network.shape(),
        }
    }

    /// How many blocks of keys and values there are.
    pub(super) fn blocks(&self) -> usize {
        match self {
            Self::Cpu { cache, .. } => cache.blocks(),
            #[cfg(any(test, feature = "cuda"))]
            Self::Accelerated(network) => network.blocks(),
        }
    }

    /// Reads the tokens of all segments and gives the logits of the wanted
    /// ones: [wanted][vocabulary], in the order of the segments.
    pub(super) fn forward(&mut self, segments: &[Segment<'_>]) -> Result<&mut [f32], DecoderError> {
        match self {
            Self::Cpu { network, cache } => Ok(network.forward(cache, segments)),
            #[cfg(any(test, feature = "cuda"))]
            Self::Accelerated(network) => network.forward(segments),
        }
    }
}

impl std::fmt::Display for Placement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.note {
            Some(note) => write!(f, "{} ({note})", self.device),
            None => f.write_str(&self.device),
        }
    }
}
