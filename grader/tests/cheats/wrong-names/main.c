/* main.c - a file that nobody asked for. */
int main(void)
{
    return 0;
}
