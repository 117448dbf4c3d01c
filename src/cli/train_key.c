// The key of a training: what it reads encrypted, and writes so.
#include "train.h"
#include <stddef.h>

int cli_train_unlock(train_options *options) {
    const char *const read[] = {options->model, options->init, options->weights};
    bool there = false;
    for (size_t i = 0; i < sizeof read / sizeof *read; i++) there = there || cli_is_encrypted(read[i]);
    if (!there && !options->encrypt && options->wish.file == NULL && options->wish.fd == CLI_NO_FD) return CLI_OK;
    if (gs_context_create(&options->loader, NULL) != GS_OK) return cli_fail("out of memory");
    int code =
        cli_key_get(options->loader, "train", &options->wish, there ? CLI_KEY_OF_OLD : CLI_KEY_OF_NEW, &options->key);
    // What is made of a protected model is protected.
    options->encrypt = options->key != NULL;
    return code == CLI_OK ? cli_train_use_key(options, options->loader) : code;
}

int cli_train_use_key(const train_options *options, gs_context *context) {
    if (options->key == NULL) return CLI_OK;
    // A run's folder has nothing plain in it to go on from. Files from elsewhere may be.
    bool others = (options->init != NULL && !cli_is_encrypted(options->init)) ||
                  (options->weights != NULL && !cli_is_encrypted(options->weights));
    unsigned use = GS_KEY_ENCRYPT | (options->resume != NULL && !others ? GS_KEY_REQUIRE : 0u);
    return gs_context_set_key(context, options->key, use) == GS_OK ? CLI_OK : cli_fail_context(context, NULL);
}
