#include "options.h"
#include "train.h"
#include <float.h>
#include <math.h>

static const char text[] = "Trains a model. MODEL is the JSON file that Keras 3's model.to_json() writes for\n"
                           "a Sequential or Functional model, or a folder with a model.json, of which only\n"
                           "the layers are taken: --init continues from its weights. Or it is an experiment,\n"
                           "a file that holds all of a training (docs/experiment.md); options go before what\n"
                           "it says.\n"
                           "\n"
                           "DATA is one of\n"
                           "  fashion-mnist             60 000 images of clothes (fashion-mnist:test: 10 000\n"
                           "                            more), from the Debian package dataset-fashion-mnist\n"
                           "                            or --data-dir\n"
                           "  FILE.csv, csv:FILE        a table with a header; --label names its targets\n"
                           "  FOLDER, images:FOLDER     PNG, BMP and JPEG in folders named by class\n"
                           "  npy:SAMPLES,TARGETS       arrays as numpy.save writes them\n"
                           "  FILE.npz, npz:FILE,X,Y    the same of numpy.savez, by their names\n"
                           "  idx:IMAGES,LABELS         files in the format of MNIST, gzip or not\n"
                           "\n"
                           "The folder of --out receives model.json, model.safetensors, experiment.json,\n"
                           "history.csv, log.jsonl, classes.json where the data has names for its classes,\n"
                           "data.json where it is a table, images, scaled or split, and pictures:\n"
                           "report.html, plots/. evaluate and predict take it. Ctrl-C stops after the step\n"
                           "and saves. What ended before its time, killed or stopped, goes on by\n"
                           "--resume DIR.";

static const char examples[] = "  gradsmith train assets/models/fashion-mlp.json --data fashion-mnist \\\n"
                               "      --validation-data fashion-mnist:test --epochs 5 --out runs/first\n"
                               "  gradsmith train --layers \"4 dense:16:relu dense:3\" --data iris.csv \\\n"
                               "      --label species --scale standard --validation-split 0.2 --epochs 50\n"
                               "  gradsmith train --layers \"784 dense:128:relu dense:10\" --data fashion-mnist \\\n"
                               "      --optimizer sgd --learning-rate 0.1 --momentum 0.9\n"
                               "  gradsmith train runs/first/experiment.json --out runs/again\n"
                               "  gradsmith train --resume runs/first\n";

// What has no effect on the result, or where there is none without it.
static const char *const with_resume[] = {"device", "data-dir", "log",           "no-autotune", "no-plots", "profile",
                                          "quiet",  "key-file", "passphrase-fd", "on-nan",      NULL};

int cli_train_parse(int argc, char **argv, train_options *options) {
    train_options *o = options;
    cli_compile *c = &o->compile;
    cli_recipe *r = &o->recipe;
    o->early_stopping = NO_EARLY_STOPPING;
    o->wish = CLI_KEY_NONE;
    const double most = FLT_MAX;
    const cli_option table[] = {
        {"layers", "LAYERS", "the model in short instead of a file: \"784 dense:64:relu dropout:0.2 dense:10\"",
         .text = &o->layers},
        {"data", "DATA", "what to train on", .text = &o->data},
        {"data-dir", "DIR", "where the files of Fashion-MNIST are", .text = &o->data_dir},
        {"validation-data", "DATA", "measured after each epoch", .text = &o->validation_data},
        {"validation-split", "F", "this share of the data is kept for validation (0 to below 1)",
         .real = &o->validation_split, .high = 1, .below = true},
        {"test-split", "F", "this share is kept for a test after the training", .real = &r->test_split, .high = 1,
         .below = true},
        {"split", "HOW",
         "last: from the end; random or stratified (the same share of each class): drawn by --seed (default: tables "
         "and images stratified, or random where there are no classes; else last)",
         .text = &r->split},
        {"label", "COLUMN", "tables: the targets, by name or by number from 1", .text = &r->label},
        {"label-as", "KIND", "tables: class or value (default: class where it is text or whole numbers)",
         .text = &r->label_as},
        {"categorical", "A,B", "tables: columns whose numbers are categories; columns of text are without this",
         .text = &r->categorical},
        {"ignore", "A,B", "tables: columns to leave out", .text = &r->ignore},
        {"missing", "HOW", "tables: error, mean, zero or drop for cells without a value (default error)",
         .text = &r->missing},
        {"delimiter", "C", "tables: what separates cells (default a comma, in .tsv a tab)", .text = &r->delimiter},
        {"no-header", NULL, "tables: the first line has no names but values", .flag = &r->no_header},
        {"image-size", "HxW", "image folders: resize to this (default: as they are)", .text = &r->image_size},
        {"channels", "C", "image folders: grey or rgb (default: grey where all are)", .text = &r->channels},
        {"scale", "HOW", "standard, minmax or none, measured on the training part (default none)", .text = &r->scale},
        {"one-hot", NULL, "targets become rows of 0 and 1, for categorical_crossentropy", .flag = &r->one_hot},
        {"augment", "A,B",
         "random changes to images, each epoch others: flip, flip_vertical, crop=PIXELS, rotate=DEGREES, contrast=F, "
         "brightness=F, cutout=PIXELS, mixup=ALPHA",
         .text = &o->augment},
        {"epochs", "N", "passes over the data (default 1)", .integer = &o->epochs, .minimum = 1, .maximum = 1000000},
        {"max-steps", "N", "stop after N steps", .integer = &o->max_steps, .minimum = 1, .maximum = UINT64_MAX},
        {"batch-size", "N", "samples per step (default 32)", .integer = &o->batch_size, .minimum = 1,
         .maximum = 1 << 20},
        {"optimizer", "NAME",
         "sgd, adam, adamw, rmsprop, adagrad, adadelta, adamax, nadam, lion or adafactor (default: the model's, else "
         "adam)",
         .text = &c->optimizer},
        {"learning-rate", "F", "default 0.001, sgd 0.01", .real = &c->learning_rate, .high = most, .above = true},
        {"schedule", "NAME[:FIELD=VALUE...]",
         "of the learning rate: constant, exponential, step, inverse_time, polynomial, piecewise, cosine, "
         "cosine_restarts or one_cycle, for example cosine, or step:decay_steps=1000:decay_rate=0.5; the fields are "
         "those of gs_schedule, as warmup_steps and decay_steps (default: all steps)",
         .text = &c->schedule},
        {"reduce-on-plateau", "FACTOR[:PATIENCE[:MIN]]",
         "multiply the learning rate by FACTOR when the loss (of the validation, where there is one) has not improved "
         "for PATIENCE epochs (default 10), but not below MIN",
         .text = &o->plateau},
        {"clipnorm", "F", "scale each parameter's gradient down to this norm", .real = &c->clipnorm, .high = most,
         .above = true},
        {"global-clipnorm", "F", "scale all gradients together down to this norm", .real = &c->global_clipnorm,
         .high = most, .above = true},
        {"clipvalue", "F", "cut gradients to this absolute value", .real = &c->clipvalue, .high = most, .above = true},
        {"accumulate", "N", "one update for N batches, with the mean of their gradients (default 1)",
         .integer = &c->accumulate, .minimum = 1, .maximum = 1 << 20},
        {"ema", "F", "average the weights with this momentum, 0.99 for one; the average is what is saved",
         .real = &c->ema, .high = 1, .below = true},
        {"momentum", "F", "sgd, rmsprop: from 0 to below 1 (default 0)", .real = &c->momentum, .high = 1,
         .below = true},
        {"nesterov", NULL, "sgd: Nesterov's momentum", .flag = &c->nesterov},
        {"beta1", "F", "adam, adamw, adamax, nadam, lion (default 0.9)", .real = &c->beta1, .high = 1, .below = true},
        {"beta2", "F", "the same (default 0.999, lion 0.99)", .real = &c->beta2, .high = 1, .below = true},
        {"rho", "F", "rmsprop (default 0.9), adadelta (0.95)", .real = &c->rho, .high = 1, .below = true},
        {"epsilon", "F", "not sgd, lion (default 1e-7, adafactor 1e-30)", .real = &c->epsilon, .high = most,
         .above = true},
        {"paper-epsilon", NULL, "adam, adamw: epsilon where the paper and PyTorch have it", .flag = &c->paper_epsilon},
        {"weight-decay", "F", "decoupled (default 0, adamw 0.004)", .real = &c->weight_decay, .high = most},
        {"loss", "NAME[:FIELD=VALUE...]",
         "sparse_categorical_crossentropy, categorical_crossentropy, binary_crossentropy, mse, mae, huber[:DELTA], "
         "kl_divergence, poisson, log_cosh, hinge, squared_hinge, categorical_hinge, cosine_similarity, "
         "binary_focal_crossentropy or categorical_focal_crossentropy, with the fields of gs_loss, as in "
         "NAME:label_smoothing=0.1 or NAME:ignore_class=-1; "
         "cross-entropies from logits, or from probabilities where the model ends in softmax or sigmoid (default: the "
         "model's, else sparse_categorical_crossentropy for class numbers)",
         .text = &c->loss},
        {"class-weight", "CLASS:WEIGHT,...", "losses of samples of a class count so often (default 1), or balanced",
         .text = &o->class_weight},
        {"metrics", "A,B",
         "accuracy, top_k[:K], mse, mae, precision, recall, f1, auc, r2, or none (default: the model's, else accuracy)",
         .text = &c->metrics},
        {"precision", "NAME",
         "float32, mixed_float16 or mixed_bfloat16: how products of matrices take their factors (default: the model's, "
         "else float32)",
         .text = &c->precision},
        {"loss-scale", "F", "mixed_float16: at the start, a power of two (default 32768)", .real = &c->loss_scale,
         .high = most, .above = true},
        {"loss-scale-growth", "N", "mixed_float16: good steps until the loss scale doubles (default 2000)",
         .integer = &c->loss_scale_growth, .minimum = 1, .maximum = UINT32_MAX},
        {"seed", "N", "of first weights, dropout and shuffle: the same seed gives the same bits (default 0)",
         .integer = &o->seed, .maximum = UINT64_MAX},
        {"shuffle", NULL, "another order of the samples each epoch (default)", .flag = &o->no_shuffle, .clears = true},
        {"no-shuffle", NULL, "the order of the data", .flag = &o->no_shuffle},
        {"init", "FILE", "first weights, a .safetensors file", .text = &o->init},
        {"weights", "FILE",
         "fine-tuning: weights of a .safetensors file for those layers that it has, by name and shape",
         .text = &o->weights},
        {"freeze", "A,B", "layers that are not trained, by name; NAME* for all that begin so", .text = &o->freeze},
        {"early-stopping", "N", "stop after N epochs without a better val_loss (loss, without validation)",
         .integer = &o->early_stopping, .maximum = 1000000},
        {"save-best", "PATH", "keep the model of the best epoch in this folder, in that of --out when relative",
         .text = &o->save_best},
        {"tensorboard", "DIR", "event files for TensorBoard, in the folder of --out when relative",
         .text = &o->tensorboard},
        {"checkpoint-steps", "N", "a checkpoint in DIR/checkpoints each so many steps (default: each epoch)",
         .integer = &o->checkpoint_steps, .minimum = 1, .maximum = UINT64_MAX},
        {"checkpoint-minutes", "F", "the same by the clock; with --checkpoint-steps: both",
         .real = &o->checkpoint_minutes, .high = 1e7, .above = true},
        {"keep", "K", "how many checkpoints are kept, the newest (default 3)", .integer = &o->keep, .minimum = 1,
         .maximum = 1000000},
        {"on-nan", "HOW",
         "what is done about a loss that is not finite: stop (default); skip the update of such steps; or "
         "restore[:FACTOR]: go back to the last good weights and multiply the learning rate by FACTOR (default 0.5)",
         .text = &o->on_nan},
        {"resume", "DIR",
         "go on with the training that was cut off in this folder, to its end, with the same bits; takes all settings "
         "from there",
         .text = &o->resume},
        {"out", "DIR", "folder for the trained model, made when needed", .text = &o->out},
        {"encrypt", NULL,
         "model, checkpoints and experiment are written encrypted, never plain; goes without --tensorboard's "
         "histograms "
         "and without pictures. A training that reads an encrypted file does so anyway",
         .flag = &o->encrypt},
        CLI_KEY_OPTIONS(&o->wish, "", "the ", ""),
        {"log", "FILE", "one line of JSON an epoch, as in DIR/log.jsonl", .text = &o->log},
        {"device", "D", "auto, an index, or a part of a name (see gradsmith devices)", .text = &o->device},
        {"no-autotune", NULL, "choose kernels by rules alone, without measuring; the results are the same bits",
         .flag = &o->no_autotune},
        {"no-plots", NULL, "draw nothing at the end", .flag = &o->no_plots},
        {"profile", NULL, "show the time of each kernel at the end (trains slower)", .flag = &o->profile},
        {"quiet", NULL, "print errors only", .flag = &o->quiet},
        {0},
    };
    const cli_usage usage = {
        .command = "train",
        .synopsis = "MODEL|--layers LAYERS|--resume DIR [OPTION...]",
        .text = text,
        .options = table,
        .operand = &o->model,
        .operand_name = "MODEL",
        .examples = examples,
        .alone = "resume",
        .alone_with = with_resume,
    };
    return cli_parse(&usage, argc, argv);
}
