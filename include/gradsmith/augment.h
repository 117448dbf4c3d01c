// Augmentation: random changes to the samples of a training, on the device, other ones in each step. What a sample draws
// is a function of the training's seed, the step and its row in the batch: the same seed gives the same bits. Validation,
// evaluation and prediction see samples as they are. The layers RandomFlip, RandomCrop, RandomRotation, RandomBrightness
// and RandomContrast (layer.h) do the same as parts of a model.
#ifndef GRADSMITH_AUGMENT_H
#define GRADSMITH_AUGMENT_H

#include <gradsmith/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Zeros: nothing is done. In this order. All but mixup need samples that are images (height, width[, channels]).
typedef struct gs_augment {
    bool flip_horizontal, flip_vertical; // each with probability 1/2
    uint32_t crop;                       // zeros around of this width, then a random part of the old size
    float rotation;                      // by at most this share of a full turn, either way; 0 to 1. Bilinear, on zeros
    float contrast;                      // factor from 1 - this to 1 + this around each channel's mean; 0 to 1
    float brightness;                    // from -this to +this is added
    uint32_t cutout;                     // side of a square of zeros, in pixels, whose centre is anywhere
    float mixup; // alpha: rows and targets are mixed with those of another row by shares of Beta(alpha, alpha); 0 to 1.
                 // Targets must be float: values or one-hot rows
} gs_augment;
// Samples of bytes, which count as 0 to 1, are clipped to that after contrast and brightness.

// Reads "flip,crop=4,rotate=15": flip, flip_vertical, crop=PIXELS, rotate=DEGREES, contrast=F, brightness=F,
// cutout=PIXELS, mixup=ALPHA, each once. On GS_ERR_ARGUMENT the message says what is wrong and what is known.
GS_API gs_status gs_augment_parse(const char *text, gs_augment *augment, char *message, size_t message_bytes);

#ifdef __cplusplus
}
#endif
#endif
