mod arrays;
mod every_field;
mod jobs;
mod lists;
