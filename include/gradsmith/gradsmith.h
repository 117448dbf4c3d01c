// All of gradsmith: train neural networks on any Vulkan device.
#ifndef GRADSMITH_GRADSMITH_H
#define GRADSMITH_GRADSMITH_H

#include <gradsmith/augment.h>
#include <gradsmith/bench.h>
#include <gradsmith/callback.h>
#include <gradsmith/checkpoint.h>
#include <gradsmith/data.h>
#include <gradsmith/device.h>
#include <gradsmith/doctor.h>
#include <gradsmith/experiment.h>
#include <gradsmith/layer.h>
#include <gradsmith/loss.h>
#include <gradsmith/model.h>
#include <gradsmith/optimizer.h>
#include <gradsmith/plot.h>
#include <gradsmith/precision.h>
#include <gradsmith/protect.h>
#include <gradsmith/recipe.h>
#include <gradsmith/report.h>
#include <gradsmith/status.h>
#include <gradsmith/tensor.h>
#include <gradsmith/train.h>

#endif
