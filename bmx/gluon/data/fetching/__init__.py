"""Where the files of data sets come from (servers, archives, package registries) and where they are kept."""
