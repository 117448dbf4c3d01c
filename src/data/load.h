// What specifications say, for recipes.
#ifndef GS_DATA_LOAD_H
#define GS_DATA_LOAD_H

#include "data/data.h"

bool gs__ends_with(const char *text, const char *end); // whatever the case
// csv:PATH, or a path that ends in .csv or .tsv, gzip or not
bool gs__spec_is_table(const char *spec, const char **path);
// images:PATH, or a folder's path
bool gs__spec_is_folder(const char *spec, const char **path);
// All other specifications.
gs_status gs__load_arrays(gs__error *error, const char *spec, const char *data_dir, gs_data **data);
// gs_data_load_input; `resizes`: images of another size than the model's too.
gs_status gs__load_input(gs__error *error, const char *path, const gs_shape *sample_shape, bool resizes,
                         gs_data **data);

#endif
